import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { jobSchema, type WireJob } from '@facet/contracts';
import { Redis } from 'ioredis';
import sharp from 'sharp';
import { Clips } from '../support/clips.ts';
import { Facet } from '../support/facet.ts';
import { startHttpServer } from '../support/http-server.ts';
import { startOwnRedis } from '../support/redis.ts';
import { SAMPLE_PHOTOS } from '../support/sample-photos.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import { pidsOf } from '../support/worker-processes.ts';
import { slopeOf } from './slope.ts';

/**
 * Many jobs through an API and a worker, and what they cost in the long run: `npm run soak -- [--jobs 20000] [--seconds N]
 * [--preload libjemalloc.so.2]`, the last as the image of the worker does it.
 * Photos, a few videos, faults and cancels, eight callers that are never idle. Prints what was measured along the way and
 * its slope after the warm-up; fails when a process or Redis grows by more than 1 MB (10^6 bytes) per 1,000 jobs, or
 * the number of its files or threads by more than one, or temporary files stay. Linux only: it reads /proc.
 */

const { values } = parseArgs({
	options: {
		jobs: { type: 'string', default: '20000' },
		seconds: { type: 'string', default: '86400' },
		preload: { type: 'string', default: '' },
	},
});
const total = Number(values.jobs);
const endAt = Date.now() + 1000 * Number(values.seconds);
const CALLERS = 8;
const SAMPLES = 80;
const LINES = 16;
const MOST_PER_1000 = 1;
/** Heaps, pools and arenas have filled by then; a short run has half of it left to measure. */
const WARM_UP_JOBS = 2000;

interface Measures extends Readonly<Record<string, number>> {
	readonly jobs: number;
	readonly apiMb: number;
	readonly workerMb: number;
	readonly redisMb: number;
	readonly apiFiles: number;
	readonly workerFiles: number;
	readonly apiThreads: number;
	readonly workerThreads: number;
}

const directory = await mkdtemp(join(tmpdir(), 'facet-soak-'));
const photos = await Promise.all(SAMPLE_PHOTOS.map(({ path }) => sharp(path).resize(480).jpeg().toBuffer()));
const video = await readFile(await new Clips(directory).get('mp4-h264'));
const media = await startHttpServer(({ url = '' }, response) => {
	const [, kind, index = ''] = url.split('/');
	const photo = photos[Number(index) % photos.length];
	if (kind === 'video') response.end(video);
	else if (kind === 'photo') response.end(photo);
	else if (kind === 'corrupt') response.end(photo?.subarray(0, 300));
	else response.writeHead(404).end();
});
const redisServer = await startOwnRedis();
const redis = new Redis(redisServer.url);
const facet = await Facet.start(
	redisServer.url,
	// Results end within the run, so that Redis is measured with as many coming as going.
	{
		MODELS_DIR: resolve('models'),
		RESULT_TTL_SECONDS: '15',
		INFERENCE_THREADS: '2',
		JOB_LOCK_MS: '10000',
		...(values.preload && { LD_PRELOAD: values.preload }),
	},
	0,
);
const counts = { succeeded: 0, failed: 0, canceled: 0, refused: 0 };
let started = 0;
let done = 0;
try {
	const api = await facet.startApi();
	const worker = await facet.startWorker();
	const samples = await soak(api, worker);
	await worker.end();
	process.exitCode = report(samples, await facet.temporaryFiles()) ? 0 : 1;
} finally {
	await facet.stop();
	redis.disconnect();
	await media.close();
	await redisServer.stop();
	await rm(directory, { recursive: true, force: true });
}

async function soak(api: ServiceProcess, worker: ServiceProcess): Promise<Measures[]> {
	const samples: Measures[] = [];
	const callers = Promise.all(Array.from({ length: CALLERS }, call));
	let isOver = false;
	const over = callers.finally(() => {
		isOver = true;
	});
	while (!isOver) {
		const wanted = ((samples.length + 1) * total) / SAMPLES;
		while (!isOver && done < wanted) await Promise.race([delay(50), over]);
		samples.push(await measure(api, worker));
	}
	await over;
	return samples;
}

/** One caller: job after job, each waited for. */
async function call(): Promise<void> {
	while (started < total && Date.now() < endAt) {
		const number = started;
		started += 1;
		await one(number);
		done += 1;
	}
}

/** Of a hundred jobs: 84 photos, half of them with crops; four inline and waited for; two videos; six faults; four cancels. */
async function one(number: number): Promise<void> {
	const share = number % 100;
	const photo = photos[number % photos.length];
	if (share < 4 && photo) {
		const { status } = await facet.detect({ img: photo.toString('base64'), single_face: share === 0 });
		counts[status === 200 ? 'succeeded' : 'refused'] += 1;
		return;
	}
	const kind = share < 6 ? 'video' : share < 10 ? 'corrupt' : share < 12 ? 'missing' : 'photo';
	const response = await fetch(`${facet.url}/v1/jobs`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ url: `${media.url}/${kind}/${number}`, return_face_url: number % 2 === 0 }),
	});
	let job = jobSchema.parse(await response.json());
	if (share >= 96) await (await fetch(`${facet.url}/v1/jobs/${job.id}/cancel`, { method: 'POST' })).text();
	while (job.finished_at === null) job = await read(job);
	if (job.status === 'succeeded' || job.status === 'failed' || job.status === 'canceled')
		counts[job.status] += 1;
}

async function read({ id }: WireJob): Promise<WireJob> {
	const response = await fetch(`${facet.url}/v1/jobs/${id}?wait=20`);
	return jobSchema.parse(await response.json());
}

async function measure(api: ServiceProcess, worker: ServiceProcess): Promise<Measures> {
	const used = /used_memory:(\d+)/.exec(await redis.info('memory'))?.[1];
	const [ofApi, ofWorker] = await Promise.all([usage([api.pid]), usage(pidsOf(worker))]);
	return {
		jobs: done,
		apiMb: ofApi.mb,
		workerMb: ofWorker.mb,
		redisMb: Number(used) / 1e6,
		apiFiles: ofApi.files,
		workerFiles: ofWorker.files,
		apiThreads: ofApi.threads,
		workerThreads: ofWorker.threads,
	};
}

interface Usage {
	readonly mb: number;
	readonly files: number;
	readonly threads: number;
}

/** Of several processes together. */
async function usage(pids: readonly number[]): Promise<Usage> {
	const usages = await Promise.all(pids.map(usageOf));
	const total = (name: keyof Usage) => usages.reduce((sum, { [name]: figure }) => sum + figure, 0);
	return { mb: total('mb'), files: total('files'), threads: total('threads') };
}

async function usageOf(pid: number): Promise<Usage> {
	const status = await readFile(`/proc/${pid}/status`, 'utf8');
	const figure = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
	return {
		mb: (figure('VmRSS') * 1024) / 1e6,
		files: (await readdir(`/proc/${pid}/fd`)).length,
		threads: figure('Threads'),
	};
}

/** @returns whether nothing grows. */
function report(samples: readonly Measures[], temporaryFiles: readonly string[]): boolean {
	const warmUp = Math.max(done / 4, Math.min(done / 2, WARM_UP_JOBS));
	const every = Math.max(1, Math.ceil(samples.length / LINES));
	console.table(
		samples.filter((_, index) => index % every === 0 || index === samples.length - 1).map(rounded),
	);
	console.log(`${done} jobs, the first ${Math.round(warmUp)} to warm up:`, counts);
	const late = samples.filter(({ jobs }) => jobs >= warmUp);
	const slopes = Object.keys(samples[0] ?? {})
		.filter((name) => name !== 'jobs')
		.map((name) => ({ name, slope: 1000 * slopeOf(late.map((at) => ({ x: at.jobs, y: at[name] ?? 0 }))) }));
	for (const { name, slope } of slopes) {
		console.log(`${slope <= MOST_PER_1000 ? 'ok  ' : 'FAIL'} ${name}: ${slope.toFixed(2)} per 1,000 jobs`);
	}
	console.log(
		`${temporaryFiles.length === 0 ? 'ok  ' : 'FAIL'} ${temporaryFiles.length} temporary files at the end`,
	);
	return slopes.every(({ slope }) => slope <= MOST_PER_1000) && temporaryFiles.length === 0;
}

function rounded(sample: Measures): Record<string, number> {
	return Object.fromEntries(
		Object.entries(sample).map(([name, value]) => [name, Math.round(value * 10) / 10]),
	);
}
