import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { z } from 'zod';
import { Facet } from '../support/facet.ts';
import { startHttpServer } from '../support/http-server.ts';
import { PhotoServer } from '../support/photo-server.ts';
import { samplePhoto } from '../support/sample-photos.ts';

const run = promisify(execFile);
const script = fileURLToPath(new URL('../../scripts/loadtest.mjs', import.meta.url));
const loadSchema = z.object({
	requests: z.int(),
	succeeded: z.int(),
	failed: z.int(),
	statuses: z.record(z.string(), z.int()),
	errorCodes: z.record(z.string(), z.int()),
	latencyMs: z.object({ p50: z.number(), p99: z.number(), max: z.number() }),
	sentLateMs: z.object({ max: z.number() }),
	histogram: z.array(z.object({ upToMs: z.number(), count: z.int() })),
});
type Loaded = z.infer<typeof loadSchema> & { exitCode: number; output: string };

let directory = '';
let facet: Facet;
let photos: PhotoServer;

beforeAll(async () => {
	directory = await mkdtemp(join(tmpdir(), 'facet-loadtest-'));
	[facet, photos] = await Promise.all([
		Facet.start(inject('redisUrl'), { API_KEYS: 'key-of-the-load', SYNC_TIMEOUT_MS: '100000' }),
		PhotoServer.start(),
	]);
});

afterAll(async () => {
	await facet.stop();
	await photos.close();
	await rm(directory, { recursive: true, force: true });
});

async function loadtest(...args: readonly string[]): Promise<Loaded> {
	const file = join(directory, 'load.json');
	const command = [script, ...args, '--json', file];
	const { exitCode, stdout } = await run(process.execPath, command).then(
		(done) => ({ exitCode: 0, stdout: done.stdout }),
		(failed: { code: number; stdout: string }) => ({ exitCode: failed.code, stdout: failed.stdout }),
	);
	const loaded = loadSchema.parse(JSON.parse(await readFile(file, 'utf8')));
	return { ...loaded, exitCode, output: stdout };
}

test('synchronous and asynchronous load on a service, of URLs and of a file', async () => {
	const to = ['--url', facet.url, '--key', 'key-of-the-load', '--rate', '4', '--duration', '1'];
	const photo = join(directory, 'photo.jpg');
	await writeFile(photo, await samplePhoto(1));
	for (const args of [
		['--source-url', `${photos.url}/photo/1.jpg`, '--mode', 'sync', '--unique'],
		['--source-url', `${photos.url}/photo/1.jpg`, '--mode', 'async', '--arrivals', 'constant'],
		['--photo', photo, '--mode', 'async'],
	]) {
		const { requests, succeeded, failed, latencyMs, histogram, exitCode, output } = await loadtest(
			...to,
			...args,
		);
		expect({ failed, exitCode }).toEqual({ failed: 0, exitCode: 0 });
		expect(succeeded).toBe(requests);
		expect(requests).toBeGreaterThan(0);
		expect(histogram.reduce((sum, { count }) => sum + count, 0)).toBe(succeeded);
		expect(latencyMs.p50).toBeLessThanOrEqual(latencyMs.max);
		expect(output).toContain(`${succeeded} succeeded`);
	}
	expect(photos.requests('/photo/1.jpg')).toBe(4);
});

test('what fails is counted by status and code, and ends with exit code 1', async () => {
	const to = ['--url', facet.url, '--rate', '3', '--duration', '1', '--arrivals', 'constant'];
	const source = ['--source-url', `${photos.url}/missing/1.jpg`];
	expect(await loadtest(...to, ...source, '--key', 'wrong')).toMatchObject({
		failed: 3,
		succeeded: 0,
		statuses: { 401: 3 },
		exitCode: 1,
	});
	expect(await loadtest(...to, ...source, '--key', 'key-of-the-load', '--mode', 'async')).toMatchObject({
		failed: 3,
		errorCodes: { download_failed: 3 },
		exitCode: 1,
	});
});

test('a service that stands still for a second is seen by all who would have come in that second', async () => {
	const STILL_MS = 1000;
	let since: number | undefined;
	const server = await startHttpServer(async (request, response) => {
		request.resume();
		since ??= performance.now();
		// It answers nothing before that time is over, then at once.
		await delay(Math.max(0, since + STILL_MS - performance.now()));
		response.end('{"error_code":0}');
	});
	try {
		const args = ['--source-url', 'http://192.0.2.1/', '--rate', '50', '--arrivals', 'constant'];
		const { requests, latencyMs, statuses } = await loadtest('--url', server.url, '--duration', '2', ...args);
		expect(requests).toBe(100);
		expect(statuses).toEqual({ 200: 100 });
		// Half of them came while it stood still and waited for half of the time on average. A client that waits for each
		// answer would have been held up once, and would have called the rest quick.
		expect(latencyMs.max).toBeGreaterThan(0.95 * STILL_MS);
		expect(latencyMs.p99).toBeGreaterThan(0.9 * STILL_MS);
	} finally {
		await server.close();
	}
});

test('arrivals of a seed are the same again, and of another seed others', async () => {
	const server = await startHttpServer((request, response) => {
		request.resume();
		response.end('{"error_code":0}');
	});
	try {
		const counts: number[] = [];
		for (const seed of ['1', '1', '2', '3', '4']) {
			const args = [
				'--source-url',
				'http://192.0.2.1/',
				'--rate',
				'100',
				'--duration',
				'0.5',
				'--seed',
				seed,
			];
			counts.push((await loadtest('--url', server.url, ...args)).requests);
		}
		expect(counts[0]).toBe(counts[1]);
		expect(new Set(counts).size).toBeGreaterThan(1);
		for (const count of counts) expect(Math.abs(count - 50)).toBeLessThan(4 * Math.sqrt(50));
	} finally {
		await server.close();
	}
});
