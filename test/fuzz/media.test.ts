import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, inject, it, type TestContext } from 'vitest';
import { BatchClient } from '../support/batch-client.ts';
import { Clips } from '../support/clips.ts';
import { Facet } from '../support/facet.ts';
import { startHttpServer, type TestServer } from '../support/http-server.ts';
import { residentMemory } from '../support/process-memory.ts';
import { samplePhoto } from '../support/sample-photos.ts';
import { reportCounts } from '../support/scenario-counts.ts';
import { scenarioSize } from '../support/scenario-size.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import { pidsOf } from '../support/worker-processes.ts';
import { mutant } from './mutations.ts';

/** The size for every day; `npm run fuzz -- --photos 10000 --videos 500 --seed 1` is the full one. */
const PHOTOS = scenarioSize('FUZZ_PHOTOS', 300);
const VIDEOS = scenarioSize('FUZZ_VIDEOS', 20);
const SEED = scenarioSize('FUZZ_SEED', 1);

/** Ends that no file may bring about: faults of ours, and hangs. */
const FAULTS = ['internal', 'worker_lost', 'processing_timeout', 'expired', 'download_failed', 'gone'];
/** How long any one file may take, in milliseconds. */
const MOST_MS = 60_000;
/** How much the worker's memory may grow, in bytes: none of it may be for each file. */
const MOST_GROWTH = 400 * 1024 ** 2;

let directory: string;
let photos: Buffer[];
let videos: Buffer[];
let server: TestServer;
let facet: Facet;
let worker: ServiceProcess;

beforeAll(async () => {
	const small = sharp(await samplePhoto(1)).resize(240);
	photos = await Promise.all([
		small.clone().jpeg().withMetadata({ orientation: 6 }).toBuffer(),
		small.clone().jpeg({ progressive: true }).toBuffer(),
		small.clone().png().toBuffer(),
		small.clone().webp().toBuffer(),
		small.clone().webp({ lossless: true }).toBuffer(),
		small.clone().gif().toBuffer(),
		small.clone().tiff({ compression: 'lzw' }).toBuffer(),
		small.clone().avif({ effort: 0 }).toBuffer(),
	]);
	const names = ['mp4-h264', 'mkv-h265', 'webm-vp9', 'avi-mpeg4', 'mpg-mpeg2', 'flv-h264'] as const;
	directory = await mkdtemp(join(tmpdir(), 'facet-fuzz-'));
	const clips = new Clips(directory);
	videos = await Promise.all(names.map(async (name) => readFile(await clips.get(name))));
	server = await startHttpServer(({ url = '' }, response) => {
		const [, kind, number] = url.split('/');
		response.end(mutant(kind === 'video' ? videos : photos, SEED, Number(number)));
	});
	const environment = {
		VIDEO_TIMEOUT_MS: String(MOST_MS),
		DECODE_TIMEOUT_MS: String(MOST_MS),
		JOB_LOCK_MS: '30000',
		MAX_BATCH_ITEMS: '100000',
	};
	facet = await Facet.start(inject('redisUrl'), environment, 0);
	worker = await facet.startWorker();
});

afterAll(async () => {
	await facet?.stop();
	await server?.close();
	await rm(directory, { recursive: true, force: true });
});

/** Resident bytes of the worker. */
const residentBytes = () => residentMemory(pidsOf(worker));

async function fuzz(task: TestContext['task'], kind: 'photo' | 'video', count: number): Promise<void> {
	const client = new BatchClient(facet.url);
	const before = await residentBytes();
	const items = Array.from({ length: count }, (_, number) =>
		JSON.stringify({ url: `${server.url}/${kind}/${number}` }),
	);
	const { id } = await client.submit(`${items.join('\n')}\n`);
	await client.ended(id, count * MOST_MS);
	const ends = (await client.results(id)).map(({ index, status, job }) => ({
		file: `${kind} ${index} of seed ${SEED}`,
		code: job?.error?.code ?? status,
	}));
	// The worker's own folder is there for as long as it runs.
	const filesLeft = async () => (await facet.temporaryFiles()).filter((name) => name.includes('/'));
	await expect.poll(filesLeft, { timeout: 10_000 }).toEqual([]);
	expect(await facet.temporaryFiles()).toHaveLength(1);
	const processes = await facet.processesOnTemporaryFiles();
	const crashes = facet.logs.match(/an inference thread died/g) ?? [];
	const byCode: Record<string, number> = {};
	for (const { code } of ends) byCode[code] = (byCode[code] ?? 0) + 1;
	reportCounts(task, {
		[`${kind}s`]: ends.length,
		...byCode,
		crashes: crashes.length,
		'processes left': processes.length,
		'MB more in the worker': Math.round(((await residentBytes()) - before) / 1024 ** 2),
	});
	expect(ends).toHaveLength(count);
	expect(ends.filter(({ code }) => FAULTS.includes(code))).toEqual([]);
	expect(processes).toEqual([]);
	expect(crashes).toEqual([]);
	// Also says that it is the same worker.
	expect((await residentBytes()) - before).toBeLessThan(MOST_GROWTH);
}

const timeLimit = (count: number) => 120_000 + count * 5000;

it(
	`photos, changed anywhere, end in a result or an error of their own`,
	async ({ task }) => {
		await fuzz(task, 'photo', PHOTOS);
	},
	timeLimit(PHOTOS),
);

it(
	'videos, changed anywhere, end in a result or an error of their own',
	async ({ task }) => {
		await fuzz(task, 'video', VIDEOS);
	},
	timeLimit(VIDEOS),
);
