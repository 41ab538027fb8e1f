import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openVideo, sniffMedia, type Video } from '@facet/media';
import { Facet } from '../support/facet.ts';
import { startHttpServer } from '../support/http-server.ts';
import { startOwnRedis } from '../support/redis.ts';
import { SAMPLE_PHOTOS } from '../support/sample-photos.ts';

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
const LIMITS = { maxPixels: 100_000_000, maxSeconds: 36_000, timeoutMs: 3_600_000 };

/** No divisor of the whole, so that the frames wanted do not all stand next to a key frame. */
const FRAMES_ENCODED = 951;

const path = await longVideo(resolve(values.dir), Number(values.minutes));
const video = await open(path);
const plan = video.plan(video.sample(numFrames));
const service = await startService();
const alone = plan.seekMs < plan.linearMs ? ffmpegSeeks : ffmpegLinear;
const kinds: Readonly<Record<string, () => Promise<number>>> = {
	'ffmpeg alone, the cheaper way': () => time(() => alone(video)),
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

async function open(file: string): Promise<Video> {
	const type = await sniffMedia(file);
	if (type.kind !== 'video') throw new Error(`Expected a video, received ${type.format}`);
	return openVideo(file, type, LIMITS);
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

async function ffmpegLinear(opened: Video): Promise<void> {
	const wanted = opened.sample(numFrames).map(({ index }) => `eq(n,${index})`);
	const output = ['-vf', `select='${wanted.join('+')}',${scale()}`, '-vsync', 'passthrough'];
	await ffmpeg(['-threads', '1', '-i', path, ...output, '-frames:v', String(numFrames)]);
}

/** The times are given to it: it need not find out how many frames there are. */
async function ffmpegSeeks(opened: Video): Promise<void> {
	const waiting = opened.sample(numFrames);
	const work = async () => {
		for (let frame = waiting.shift(); frame; frame = waiting.shift()) {
			const seek = ['-ss', (frame.timestampMs / 1000).toFixed(6)];
			await ffmpeg(['-threads', '1', ...seek, '-i', path, '-vf', scale(), '-frames:v', '1']);
		}
	};
	await Promise.all(Array.from({ length: availableParallelism() }, work));
}

function scale(): string {
	return `scale=${maxSide}:${maxSide}:force_original_aspect_ratio=decrease:flags=lanczos`;
}

async function ffmpeg(
	args: readonly string[],
	output = ['-an', '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'],
) {
	const child = spawn('ffmpeg', ['-hide_banner', '-v', 'error', '-nostdin', '-y', ...args, ...output], {
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	child.stdout.resume();
	const [code] = await once(child, 'close');
	if (code !== 0) throw new Error(`ffmpeg ended with ${code}`);
}

/**
 * A camera that wanders over a sample photo, 720p, 30 frames a second, a key frame every 250 frames or less as x264 does
 * it: half a minute, repeated without encoding it again.
 */
async function longVideo(directory: string, minutes: number): Promise<string> {
	const file = join(directory, `long-${minutes}-minutes.mp4`);
	if (await stat(file).catch(() => undefined)) return file;
	await mkdir(directory, { recursive: true });
	const [photo] = SAMPLE_PHOTOS;
	const still = ['-i', photo?.path ?? ''];
	const move = [
		`scale=1920:-2,loop=loop=${FRAMES_ENCODED - 1}:size=1:start=0,setpts=N/30/TB`,
		"crop=1280:720:x='(iw-ow)*(0.5+0.5*sin(n/90))':y='(ih-oh)*(0.5+0.5*cos(n/130))'",
		'noise=alls=6:allf=t',
	].join(',');
	const encode = '-r 30 -c:v libx264 -preset veryfast -crf 25 -pix_fmt yuv420p -f mp4'.split(' ');
	await ffmpeg([...still, '-vf', move, ...encode], [`${file}.once`]);
	const times = Math.round((minutes * 60 * 30) / FRAMES_ENCODED);
	const repeat = ['-stream_loop', String(times - 1), '-i', `${file}.once`];
	await ffmpeg([...repeat, '-c', 'copy', '-f', 'mp4'], [`${file}.part`]);
	await rm(`${file}.once`);
	await rename(`${file}.part`, file);
	return file;
}
