import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type DetectResult, jobOutcomeSchema, type VideoReport, type WireBox } from '@facet/contracts';
import { connectConsumer, ResultStore } from '@facet/queue';
import { QueueEvents } from 'bullmq';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { renderClip } from '../support/clip-renderer.ts';
import { type Answer, Facet } from '../support/facet.ts';
import { startHttpServer, type TestServer } from '../support/http-server.ts';
import { samplePhoto } from '../support/sample-photos.ts';

// A hundred frames through the network are work for a minute on a busy machine.
vi.setConfig({ testTimeout: 180_000 });

const execute = promisify(execFile);
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

let facet: Facet;
let files: TestServer;
let folder: string;
/** Three people, who move evenly through the picture for four seconds. */
let clip: string;
const served = new Map<string, Buffer>();

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'facet-videos-'));
	clip = await renderClip(
		{
			name: 'three',
			fps: 25,
			scene: {
				shots: [{ photo: 'sample1', width: 1100, frames: 100, from: { x: 0, y: 40 }, to: { x: 100, y: 40 } }],
			},
		},
		folder,
	);
	files = await startHttpServer((request, response) => {
		const bytes = served.get(request.url ?? '');
		response.writeHead(bytes ? 200 : 404).end(bytes);
	});
	facet = await Facet.start(inject('redisUrl'), {
		INFERENCE_THREADS: '2',
		MAX_VIDEO_SECONDS: '60',
		SYNC_TIMEOUT_MS: '170000',
	});
});

afterAll(async () => {
	await facet?.stop();
	await files?.close();
	await rm(folder, { recursive: true, force: true });
});

/** Serves bytes or a file, and returns the URL. */
async function serve(name: string, source: string | Buffer): Promise<string> {
	served.set(`/${name}`, typeof source === 'string' ? await readFile(source) : source);
	return `${files.url}/${name}`;
}

/** Runs ffmpeg over the clip; returns the path of what it wrote. */
async function convert(name: string, options: string[], input = clip): Promise<string> {
	const path = join(folder, name);
	await execute('ffmpeg', ['-v', 'error', '-y', '-i', input, ...options, path]);
	return path;
}

/** The timestamps of a full decode, in seconds after the first frame's. */
async function decodedTimes(path: string): Promise<number[]> {
	const { stdout } = await execute('ffprobe', [
		...['-v', 'error', '-select_streams', 'v:0', '-show_frames', '-show_entries', 'frame=pts_time'],
		...['-of', 'csv=p=0', path],
	]);
	const times = stdout
		.split('\n')
		.map((line) => Number.parseFloat(line))
		.filter((time) => !Number.isNaN(time));
	return times.map((time) => time - (times[0] ?? 0));
}

async function storedResult({ headers }: Answer): Promise<DetectResult> {
	const redis = connectConsumer(inject('redisUrl'), quiet);
	const outcome = await new ResultStore(redis, { prefix: facet.prefix, ttlSeconds: 60 }).get(
		headers.get('x-job-id') ?? '',
	);
	redis.disconnect();
	const parsed = jobOutcomeSchema.parse(outcome);
	if (parsed.status !== 'succeeded') throw new Error(`the job failed: ${parsed.error.code}`);
	return parsed.result;
}

async function storedReport(answer: Answer): Promise<VideoReport> {
	const { media } = await storedResult(answer);
	if (media.kind !== 'video') throw new Error('not the report of a video');
	return media;
}

const framesOf = ({ body }: Answer) => Object.values(body.faces_obj);
const facesByFrame = (answer: Answer) => framesOf(answer).map(({ region }) => region.length);
const leftToRight = (boxes: readonly WireBox[]) => [...boxes].sort((a, b) => a[0] - b[0]);
const centre = ([x, y, width, height]: WireBox) => [x + width / 2, y + height / 2] as const;

/** Asserts that two answers have the same faces at the same places, within a part of a face. */
function expectSamePlaces(actual: Answer, expected: Answer): void {
	expect(Object.keys(actual.body.faces_obj)).toEqual(Object.keys(expected.body.faces_obj));
	framesOf(expected).forEach(({ region }, position) => {
		const found = leftToRight(framesOf(actual)[position]?.region ?? []);
		expect(found).toHaveLength(region.length);
		leftToRight(region).forEach((box, index) => {
			const [x, y] = centre(box);
			const [foundX, foundY] = centre(found[index] ?? [0, 0, 0, 0]);
			expect(Math.hypot(foundX - x, foundY - y)).toBeLessThan(box[2] * 0.35);
		});
	});
}

describe('sampling', () => {
	it.each([1, 5, 7, 100])('%i frames have the keys and times of a full decode', async (wanted) => {
		const answer = await facet.detect({ url: await serve('three.mp4', clip), num_frames: wanted });
		const times = await decodedTimes(clip);
		const indexes = Array.from({ length: Math.min(wanted, times.length) }, (_, k) =>
			times.length <= wanted ? k : Math.floor((k * times.length) / wanted),
		);
		expect(Object.keys(answer.body.faces_obj)).toEqual(indexes.map(String));
		expect(framesOf(answer).map(({ frame_time }) => frame_time)).toEqual(
			indexes.map((index) => Math.round((times[index] ?? 0) * 1000) / 1000),
		);
	});

	it('gives a variable frame rate its own times', async () => {
		// Every frame of the first second, every fourth one after it.
		const path = await convert('variable.mp4', [
			...['-vf', "select='lt(t,1)+not(mod(n,4))',setpts=PTS-STARTPTS", '-fps_mode', 'vfr', '-c:v', 'libx264'],
		]);
		const answer = await facet.detect({ url: await serve('variable.mp4', path), num_frames: 10 });
		const times = await decodedTimes(path);
		const expected = Object.keys(answer.body.faces_obj).map(
			(index) => Math.round((times[Number(index)] ?? 0) * 1000) / 1000,
		);
		expect(framesOf(answer).map(({ frame_time }) => frame_time)).toEqual(expected);
		expect((await storedReport(answer)).frameRate).toBe('variable');
	});

	it('takes five frames unless told otherwise, and all of a video that has fewer', async () => {
		const url = await serve('three.mp4', clip);
		expect(framesOf(await facet.detect({ url }))).toHaveLength(5);
		const short = await convert('short.mp4', ['-frames:v', '3', '-c:v', 'libx264']);
		const answer = await facet.detect({ url: await serve('short.mp4', short) });
		expect(Object.keys(answer.body.faces_obj)).toEqual(['0', '1', '2']);
		expect(await storedReport(answer)).toMatchObject({ frames: 3, framesWanted: 3, framesObtained: 3 });
	});
});

describe('faces', () => {
	let reference: Answer;

	beforeAll(async () => {
		reference = await facet.detect({ url: await serve('three.mp4', clip) });
		expect(facesByFrame(reference)).toEqual([3, 3, 3, 3, 3]);
	});

	it.each<[string, string[]]>([
		['clip.mov', ['-c:v', 'libx264']],
		['clip.mkv', ['-c:v', 'libx265', '-x265-params', 'log-level=none']],
		['vp8.webm', ['-c:v', 'libvpx', '-b:v', '2M', '-deadline', 'realtime', '-cpu-used', '8']],
		['vp9.webm', ['-c:v', 'libvpx-vp9', '-b:v', '2M', '-deadline', 'realtime', '-cpu-used', '8']],
		['clip.avi', ['-c:v', 'mpeg4', '-q:v', '3', '-bf', '2']],
		['clip.ogv', ['-c:v', 'libtheora', '-q:v', '8']],
		['clip.ts', ['-c:v', 'libx264']],
		['mjpeg.mov', ['-c:v', 'mjpeg', '-q:v', '3']],
	])('%s has the same as the original', async (name, options) => {
		// The name lies about the type.
		const url = await serve(`${name}.jpg`, await convert(name, options));
		const answer = await facet.detect({ url });
		expect(answer.body).toMatchObject({ error_code: 0 });
		expectSamePlaces(answer, reference);
	});

	it.each([90, 180, 270])(
		'turned by %i degrees and marked so, are where a person sees them',
		async (degrees) => {
			const turn = { 90: 'transpose=cclock', 180: 'hflip,vflip', 270: 'transpose=clock' }[degrees] ?? '';
			const stored = await convert(`stored-${degrees}.mp4`, ['-vf', turn, '-c:v', 'libx264', '-crf', '18']);
			const marked = join(folder, `turned-${degrees}.mp4`);
			// ffmpeg counts the display rotation counter-clockwise.
			await execute('ffmpeg', [
				...['-v', 'error', '-y', '-i', stored, '-c', 'copy'],
				...['-metadata:s:v:0', `rotate=${360 - degrees}`, marked],
			]);
			const answer = await facet.detect({ url: await serve(`turned-${degrees}.mp4`, marked) });
			expect(await storedReport(answer)).toMatchObject({ rotation: degrees, width: 960, height: 540 });
			expectSamePlaces(answer, reference);
		},
	);

	it('move, and what they leave is `removed`', () => {
		const frames = framesOf(reference);
		expect(frames[0]?.removed).toEqual([]);
		frames.slice(1).forEach(({ removed, region }, position) => {
			const previous = frames[position]?.region ?? [];
			const gone = previous.filter((box) => !region.some((now) => String(now) === String(box)));
			expect(removed).toEqual(gone);
			expect(removed.length).toBeGreaterThan(0);
		});
	});

	it('belong to three persons, whose frames and tracks are stored', async () => {
		const { persons, frames } = await storedResult(reference);
		expect(persons).toHaveLength(3);
		for (const person of persons) {
			expect(person.frames).toEqual([0, 20, 40, 60, 80]);
			expect(person.best.box.width).toBeGreaterThan(50);
		}
		expect(frames.every(({ faces }) => faces.every(({ trackId }) => trackId !== null))).toBe(true);
		const stored = JSON.stringify(await storedResult(reference));
		expect(stored).not.toContain('embedding');
	});

	it('are one a frame with single_face', async () => {
		const answer = await facet.detect({ url: await serve('three.mp4', clip), single_face: true });
		expect(facesByFrame(answer)).toEqual([1, 1, 1, 1, 1]);
		framesOf(answer).forEach(({ region }, position) => {
			const all = framesOf(reference)[position]?.region ?? [];
			const largest = [...all].sort((a, b) => b[2] * b[3] - a[2] * a[3])[0];
			expect(region).toEqual([largest]);
		});
		for (const { removed } of framesOf(answer).slice(1)) expect(removed).toHaveLength(1);
	});

	it('are cut out of full frames with return_face_url, without a change to the rest', async () => {
		const answer = await facet.detect({ url: await serve('three.mp4', clip), return_face_url: true });
		for (const [position, frame] of framesOf(answer).entries()) {
			expect(frame.region).toEqual(framesOf(reference)[position]?.region);
			expect(frame.face_urls).toHaveLength(3);
			for (const [index, url] of (frame.face_urls ?? []).entries()) {
				const crop = Buffer.from(await (await fetch(url ?? '')).arrayBuffer());
				const [, , width, height] = frame.crop_region?.[index] ?? [];
				expect(await sharp(crop).metadata()).toMatchObject({ format: 'jpeg', width, height });
			}
		}
		const [first] = framesOf(answer);
		const crop = Buffer.from(await (await fetch(first?.face_urls?.[0] ?? '')).arrayBuffer());
		const inCrop = await facet.detect({ img: crop.toString('base64') });
		expect(framesOf(inCrop)[0]?.region).toHaveLength(1);
	});

	it('of a 4K video are found, and cut out at its full size', async () => {
		const path = await convert('large.mp4', [
			...['-frames:v', '5', '-vf', 'scale=3840:2160', '-c:v', 'libx264', '-preset', 'ultrafast'],
		]);
		const answer = await facet.detect({
			url: await serve('large.mp4', path),
			num_frames: 2,
			return_face_url: true,
		});
		expect(facesByFrame(answer)).toEqual([3, 3]);
		expect(await storedReport(answer)).toMatchObject({ width: 3840, height: 2160 });
		const [first] = framesOf(answer);
		const [, , width, height] = first?.crop_region?.[0] ?? [];
		expect(width).toBeGreaterThan(400);
		const crop = Buffer.from(await (await fetch(first?.face_urls?.[0] ?? '')).arrayBuffer());
		expect(await sharp(crop).metadata()).toMatchObject({ width, height });
	});

	it('of an animated GIF with the parameters of a video are those of its first frame', async () => {
		const gif = await convert('animated.gif', ['-vf', 'scale=960:-1', '-frames:v', '3']);
		const answer = await facet.detect({ url: await serve('animated.mp4', gif), num_frames: 3 });
		expect(Object.keys(answer.body.faces_obj)).toEqual(['0']);
		expect(framesOf(answer)[0]?.frame_time).toBeNull();
	});
});

describe('files that are not what they should be', () => {
	async function expectRefused(name: string, source: string | Buffer, code: string, detail?: RegExp) {
		const { status, body } = await facet.detect({ url: await serve(name, source) });
		expect(body).toMatchObject({
			error_code: 1,
			error_msg: 'Failed to process media',
			faces_obj: {},
			error: { code, retryable: false },
		});
		expect(status).toBe(500);
		if (detail) expect(body.error.detail).toMatch(detail);
	}

	it('an empty file, a text, a file without its index', async () => {
		await expectRefused('empty.mp4', Buffer.alloc(0), 'corrupt_media');
		await expectRefused('text.mp4', Buffer.from('just a text '.repeat(100)), 'unsupported_format');
		await expectRefused('headless.mp4', (await readFile(clip)).subarray(0, 20_000), 'corrupt_media');
	});

	it('sound, with and without a picture on its cover', async () => {
		const sound = ['-f', 'lavfi', '-i', 'sine=duration=1'];
		const plain = join(folder, 'sound.m4a');
		await execute('ffmpeg', ['-v', 'error', '-y', ...sound, '-c:a', 'aac', plain]);
		await expectRefused('sound.mp4', plain, 'no_video_stream');
		const photo = join(folder, 'cover.jpg');
		await writeFile(
			photo,
			await sharp(await samplePhoto(1))
				.resize(300)
				.jpeg()
				.toBuffer(),
		);
		const covered = join(folder, 'covered.m4a');
		await execute('ffmpeg', [
			...['-v', 'error', '-y', ...sound, '-i', photo, '-map', '0', '-map', '1'],
			...['-c:a', 'aac', '-c:v', 'mjpeg', '-disposition:v:0', 'attached_pic', covered],
		]);
		await expectRefused('covered.mp4', covered, 'no_video_stream');
	});

	it('playlists, which lead elsewhere', async () => {
		await expectRefused(
			'list.mp4',
			Buffer.from('#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n'),
			'unsupported_format',
		);
		await expectRefused(
			'concat.mp4',
			Buffer.from("ffconcat version 1.0\nfile '/etc/passwd'\n"),
			'unsupported_format',
		);
	});

	it('too long a video', async () => {
		const long = join(folder, 'long.mp4');
		await execute('ffmpeg', [
			...['-v', 'error', '-y', '-f', 'lavfi', '-i', 'color=s=64x64:r=1:d=90', '-c:v', 'libx264', long],
		]);
		await expectRefused('long.mp4', long, 'video_too_long', /at most 60 s/);
	});

	it('a truncated video: what could be decoded is answered, and the report says so', async () => {
		const whole = await convert('whole.mkv', ['-c:v', 'libx264', '-g', '10']);
		const bytes = await readFile(whole);
		const answer = await facet.detect({
			url: await serve('half.mkv', bytes.subarray(0, bytes.length / 2)),
			num_frames: 10,
		});
		expect(answer.status).toBe(200);
		const report = await storedReport(answer);
		expect(report.frames).toBeLessThan(100);
		expect(report.warnings.length).toBeGreaterThan(0);
		expect(framesOf(answer)).toHaveLength(report.framesObtained);
		expect(framesOf(answer)[0]?.region).toHaveLength(3);
	});
});

it('a worker killed in the middle of a video leaves no process and no file; another one finishes', async () => {
	// Longer than usual: half of the video is done twice, whatever the detector and the machine.
	const own = await Facet.start(inject('redisUrl'), { INFERENCE_THREADS: '1', SYNC_TIMEOUT_MS: '55000' }, 0);
	const redis = connectConsumer(inject('redisUrl'), quiet);
	const events = new QueueEvents('detect', { connection: redis, prefix: own.prefix });
	try {
		await events.waitUntilReady();
		const doomed = await own.startWorker();
		const underWay = new Promise<{ framesDone: number; framesWanted: number }>((resolve) => {
			events.on('progress', ({ data }) => {
				if (isProgress(data) && data.framesDone >= 3) resolve(data);
			});
		});
		const answer = own.detect({ url: await serve('three.mp4', clip), num_frames: 60, return_face_url: true });
		expect((await underWay).framesWanted).toBe(60);
		await doomed.end('SIGKILL');
		await expect.poll(() => own.processesOnTemporaryFiles(), { timeout: 5000 }).toEqual([]);
		await own.startWorker();
		expect(framesOf(await answer)).toHaveLength(60);
		const left = (await own.temporaryFiles()).filter((name) => name.includes('job-'));
		expect(left).toEqual([]);
	} finally {
		await events.close();
		redis.disconnect();
		await own.stop();
	}
});

function isProgress(data: unknown): data is { framesDone: number; framesWanted: number } {
	return typeof data === 'object' && data !== null && 'framesDone' in data && 'framesWanted' in data;
}
