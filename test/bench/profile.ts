import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ServiceProcess } from '../support/service-process.ts';
import { Bench } from './suite/bench.ts';
import { BenchRedis } from './suite/bench-redis.ts';
import { FULL } from './suite/bench-size.ts';
import { readCpuProfile } from './suite/cpu-profile.ts';
import { PhotoSource } from './suite/photo-source.ts';

/**
 * Where a worker's time goes, by thread: V8's CPU profile and heap samples of the built worker while it works on photos:
 * `npm run bench:profile -- [--photos 240] [--crops] [--lines 15] [--dir DIR]`. The files open in the developer tools of
 * Chrome; with `perf record -g -p PID` on the same worker, native code can be seen too.
 */

const { values } = parseArgs({
	options: {
		photos: { type: 'string', default: '240' },
		crops: { type: 'boolean', default: false },
		lines: { type: 'string', default: '15' },
		dir: { type: 'string' },
	},
});
const count = Number(values.photos);
const directory = resolve(values.dir ?? (await mkdtemp(join(tmpdir(), 'facet-profile-'))));
await mkdir(directory, { recursive: true });
const redis = await BenchRedis.start();
const photos = await PhotoSource.start();
const bench = new Bench(FULL, redis, photos);
// The worker is started here and not by `bench`, since only this one takes options of V8.
const shared = { QUEUE_PREFIX: `profile-${randomUUID()}`, STORAGE_DIR: join(directory, 'data') };
try {
	const service = await bench.service(shared, 0);
	const worker = await startWorker();
	const speed = await bench.photosPerSecond(service, count, values.crops);
	await worker.end();
	console.log(`${count} photos, ${speed.toFixed(1)} a second with the profiler on; files in ${directory}`);
	for (const name of (await readdir(directory)).filter((file) => file.endsWith('.cpuprofile')))
		printProfile(name, await readFile(join(directory, name), 'utf8'));
} finally {
	await bench.close();
	await photos.close();
	await redis.stop();
}

async function startWorker(): Promise<ServiceProcess> {
	const environment = {
		REDIS_URL: redis.url,
		WORKER_PORT: '0',
		SOURCE_ALLOW_NETWORKS: '127.0.0.0/8',
		INFERENCE_THREADS: String(availableParallelism()),
		...shared,
	};
	const worker = ServiceProcess.start('worker', environment, [
		'--cpu-prof',
		`--cpu-prof-dir=${directory}`,
		'--heap-prof',
		`--heap-prof-dir=${directory}`,
	]);
	await worker.logged('worker: ready');
	return worker;
}

function printProfile(name: string, json: string): void {
	const { busyMs, lines } = readCpuProfile(json);
	console.log(`\n${name}: ${(busyMs / count).toFixed(2)} ms a photo\n`);
	console.log('| ms a photo | share | function |\n| --- | --- | --- |');
	for (const { where, ms } of lines.slice(0, Number(values.lines)))
		console.log(`| ${(ms / count).toFixed(2)} | ${((100 * ms) / busyMs).toFixed(1)} % | \`${where}\` |`);
}
