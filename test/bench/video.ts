import { createReadStream } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Video } from '@facet/media';
import { Facet } from '../support/facet.ts';
import { startHttpServer } from '../support/http-server.ts';
import { startOwnRedis } from '../support/redis.ts';
import { ffmpegAlone, longVideo, open } from './suite/long-video.ts';

/**
 * What it costs to take frames from a long video, against ffmpeg alone taking the same frames by the cheaper
 * of its two ways, one decode from the start or a seek a frame:
 * `npm run bench:video -- [--num-frames 10] [--minutes 10] [--max-side 640] [--runs 5] [--dir DIR]`.
 */

const { values } = parseArgs({
	options: {
		'num-frames': { type: 'string', default: '10' },
		minutes: { type: 'string', default: '10' },
		'max-side': { type: 'string', default: '640' },
		runs: { type: 'string', default: '5' },
		dir: { type: 'string', default: join(tmpdir(), 'facet-bench') },
		json: { type: 'boolean', default: false },
	},
});
const numFrames = Number(values['num-frames']);
const maxSide = Number(values['max-side']);
const runs = Number(values.runs);

const path = await longVideo(resolve(values.dir), Number(values.minutes));
const video = await open(path);
const plan = video.plan(video.sample(numFrames));
const service = await startService();
const kinds: Readonly<Record<string, () => Promise<number>>> = {
	'ffmpeg alone, the cheaper way': () => time(() => ffmpegAlone(path, video, { numFrames, maxSide })),
	'index (header, packets)': () => time(async () => void (await open(path))),
	'index and frames': () => time(async () => readFrames(await open(path))),
	'the whole job, but for the download': service.job,
};
const measured = new Map<string, number[]>();
try {
	// In turn, so that what else the machine does falls on all of them alike.
	for (let round = 0; round <= runs; round += 1) {
		for (const [kind, measure] of Object.entries(kinds)) {
			const ms = await measure();
			// The first round warms up.
			if (round > 0) measured.set(kind, [...(measured.get(kind) ?? []), ms]);
		}
	}
} finally {
	await service.stop();
}
const [aloneMs = []] = measured.values();
const rows = [...measured].map(([kind, all]) => ({
	kind,
	ms: Math.round(median(all)),
	ratio: Number(median(all.map((ms, round) => ms / (aloneMs[round] ?? Number.NaN))).toFixed(2)),
}));
const { linearMs, seekMs, excerptMs, strategy } = plan;
if (values.json) {
	console.log(JSON.stringify({ ...video.facts, numFrames, strategy, linearMs, seekMs, excerptMs, rows }));
} else {
	const { width, height, frames, codec } = video.facts;
	console.log(`${codec} ${width} x ${height}, ${frames} frames, ${numFrames} wanted, by ${strategy}`);
	const [linear, seek, excerpt] = [linearMs, seekMs, excerptMs].map((ms) => `${Math.round(ms)} ms`);
	console.log(`estimated: linear ${linear}, seek ${seek}, excerpt ${excerpt}`);
	console.log(`medians of ${runs} rounds, and of each round's ratio to ffmpeg alone:`);
	console.table(Object.fromEntries(rows.map(({ kind, ...row }) => [kind, row])));
}

async function readFrames(opened: Video): Promise<void> {
	let frames = 0;
	for await (const _ of opened.frames(opened.sample(numFrames), { maxSide })) frames += 1;
	if (frames !== numFrames) throw new Error(`Expected ${numFrames} frames, received ${frames}`);
}

async function time(work: () => Promise<void>): Promise<number> {
	const start = performance.now();
	await work();
	return performance.now() - start;
}

function median(values: readonly number[]): number {
	return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

interface Service {
	/** Milliseconds of a job, from the request to its answer: frames, faces, landmarks, embeddings, tracks. */
	job(): Promise<number>;
	stop(): Promise<void>;
}

/** The built service on a Redis of its own. */
async function startService(): Promise<Service> {
	const redis = await startOwnRedis();
	const files = await startHttpServer((_request, response) => createReadStream(path).pipe(response));
	const facet = await Facet.start(redis.url, {
		MODELS_DIR: resolve('models'),
		INFERENCE_THREADS: `${availableParallelism()}`,
		SYNC_TIMEOUT_MS: '600000',
	});
	return {
		async job() {
			const start = performance.now();
			const { headers, body } = await facet.detect({ url: `${files.url}/video.mp4`, num_frames: numFrames });
			const took = performance.now() - start;
			if (body.error_code !== 0) throw new Error(`the job failed: ${body.error.code}`);
			return took - (await facet.stageMs(headers.get('x-job-id') ?? '', 'fetch'));
		},
		async stop() {
			await facet.stop();
			await files.close();
			await redis.stop();
		},
	};
}
