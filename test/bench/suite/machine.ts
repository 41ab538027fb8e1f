import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { arch, availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { promisify } from 'node:util';
import type { Redis } from 'ioredis';
import sharp from 'sharp';
import { z } from 'zod';
import type { Report } from './report.ts';
import { rounded } from './statistics.ts';

const run = promisify(execFile);
const packageSchema = z.object({ version: z.string() });

/** What the figures were measured on. */
export function describeMachine(): Report['machine'] {
	return {
		processor: cpus()[0]?.model.trim() ?? 'unknown processor',
		cores: availableParallelism(),
		memoryGiB: rounded(totalmem() / 2 ** 30),
		system: `${platform()} ${release()} ${arch()}`,
		loadBefore: rounded(loadavg()[0] ?? 0, 1),
	};
}

/** What the figures were measured with. */
export async function describeVersions(redis: Redis): Promise<Report['versions']> {
	const { stdout } = await run('ffmpeg', ['-version']);
	return {
		node: process.versions.node,
		'onnxruntime-node': packageVersion('onnxruntime-node', '@facet/vision'),
		sharp: sharp.versions.sharp ?? 'unknown',
		libvips: sharp.versions.vips,
		bullmq: packageVersion('bullmq', '@facet/queue'),
		redis: /^redis_version:(\S+)/m.exec(await redis.info('server'))?.[1] ?? 'unknown',
		ffmpeg: /^ffmpeg version (\S+)/.exec(stdout)?.[1] ?? 'unknown',
	};
}

/** The version that one of our packages has installed. */
function packageVersion(name: string, user: string): string {
	const fromUser = createRequire(createRequire(import.meta.url).resolve(user));
	// Not every package exports its package.json: it is beside the code that it does export.
	const entry = fromUser.resolve(name);
	const root = entry.slice(0, entry.lastIndexOf(`/node_modules/${name}/`));
	return packageSchema.parse(fromUser(`${root}/node_modules/${name}/package.json`)).version;
}
