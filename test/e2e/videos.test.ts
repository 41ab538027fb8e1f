import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { WireBox } from '@facet/contracts';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import type { Answer, Facet } from '../support/facet.ts';
import { framesOf, VideoService } from '../support/video-service.ts';

// A hundred frames through the network are work for a minute on a busy machine.
vi.setConfig({ testTimeout: 180_000 });

const execute = promisify(execFile);

let videos: VideoService;
let facet: Facet;
/** Three people, who move evenly through the picture for four seconds. */
let clip: string;

beforeAll(async () => {
	videos = await VideoService.start(inject('redisUrl'));
	({ facet, clip } = videos);
});

afterAll(async () => {
	await videos?.stop();
});

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
		const answer = await facet.detect({ url: await videos.serve('three.mp4', clip), num_frames: wanted });
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
		const path = await videos.convert('variable.mp4', [
			...['-vf', "select='lt(t,1)+not(mod(n,4))',setpts=PTS-STARTPTS", '-fps_mode', 'vfr', '-c:v', 'libx264'],
		]);
		const answer = await facet.detect({ url: await videos.serve('variable.mp4', path), num_frames: 10 });
		const times = await decodedTimes(path);
		const expected = Object.keys(answer.body.faces_obj).map(
			(index) => Math.round((times[Number(index)] ?? 0) * 1000) / 1000,
		);
		expect(framesOf(answer).map(({ frame_time }) => frame_time)).toEqual(expected);
		expect((await videos.storedReport(answer)).frameRate).toBe('variable');
	});

	it('takes five frames unless told otherwise, and all of a video that has fewer', async () => {
		const url = await videos.serve('three.mp4', clip);
		expect(framesOf(await facet.detect({ url }))).toHaveLength(5);
		const short = await videos.convert('short.mp4', ['-frames:v', '3', '-c:v', 'libx264']);
		const answer = await facet.detect({ url: await videos.serve('short.mp4', short) });
		expect(Object.keys(answer.body.faces_obj)).toEqual(['0', '1', '2']);
		expect(await videos.storedReport(answer)).toMatchObject({
			frames: 3,
			framesWanted: 3,
			framesObtained: 3,
		});
	});
});

describe('faces', () => {
	let reference: Answer;

	beforeAll(async () => {
		reference = await facet.detect({ url: await videos.serve('three.mp4', clip) });
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
		const url = await videos.serve(`${name}.jpg`, await videos.convert(name, options));
		const answer = await facet.detect({ url });
		expect(answer.body).toMatchObject({ error_code: 0 });
		expectSamePlaces(answer, reference);
	});

	it.each([90, 180, 270])(
		'turned by %i degrees and marked so, are where a person sees them',
		async (degrees) => {
			const turn = { 90: 'transpose=cclock', 180: 'hflip,vflip', 270: 'transpose=clock' }[degrees] ?? '';
			const stored = await videos.convert(`stored-${degrees}.mp4`, [
				'-vf',
				turn,
				'-c:v',
				'libx264',
				'-crf',
				'18',
			]);
			const marked = join(videos.folder, `turned-${degrees}.mp4`);
			// ffmpeg counts the display rotation counter-clockwise.
			await execute('ffmpeg', [
				...['-v', 'error', '-y', '-i', stored, '-c', 'copy'],
				...['-metadata:s:v:0', `rotate=${360 - degrees}`, marked],
			]);
			const answer = await facet.detect({ url: await videos.serve(`turned-${degrees}.mp4`, marked) });
			expect(await videos.storedReport(answer)).toMatchObject({ rotation: degrees, width: 960, height: 540 });
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
		const { persons, frames } = await videos.storedResult(reference);
		expect(persons).toHaveLength(3);
		for (const person of persons) {
			expect(person.frames).toEqual([0, 20, 40, 60, 80]);
			expect(person.best.box.width).toBeGreaterThan(50);
		}
		expect(frames.every(({ faces }) => faces.every(({ trackId }) => trackId !== null))).toBe(true);
		const stored = JSON.stringify(await videos.storedResult(reference));
		expect(stored).not.toContain('embedding');
	});

	it('are one a frame with single_face', async () => {
		const answer = await facet.detect({ url: await videos.serve('three.mp4', clip), single_face: true });
		expect(facesByFrame(answer)).toEqual([1, 1, 1, 1, 1]);
		framesOf(answer).forEach(({ region }, position) => {
			const all = framesOf(reference)[position]?.region ?? [];
			const largest = [...all].sort((a, b) => b[2] * b[3] - a[2] * a[3])[0];
			expect(region).toEqual([largest]);
		});
		for (const { removed } of framesOf(answer).slice(1)) expect(removed).toHaveLength(1);
	});

	it('are cut out of full frames with return_face_url, without a change to the rest', async () => {
		const answer = await facet.detect({ url: await videos.serve('three.mp4', clip), return_face_url: true });
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
		const path = await videos.convert('large.mp4', [
			...['-frames:v', '5', '-vf', 'scale=3840:2160', '-c:v', 'libx264', '-preset', 'ultrafast'],
		]);
		const answer = await facet.detect({
			url: await videos.serve('large.mp4', path),
			num_frames: 2,
			return_face_url: true,
		});
		expect(facesByFrame(answer)).toEqual([3, 3]);
		expect(await videos.storedReport(answer)).toMatchObject({ width: 3840, height: 2160 });
		const [first] = framesOf(answer);
		const [, , width, height] = first?.crop_region?.[0] ?? [];
		expect(width).toBeGreaterThan(400);
		const crop = Buffer.from(await (await fetch(first?.face_urls?.[0] ?? '')).arrayBuffer());
		expect(await sharp(crop).metadata()).toMatchObject({ width, height });
	});

	it('of an animated GIF with the parameters of a video are those of its first frame', async () => {
		const gif = await videos.convert('animated.gif', ['-vf', 'scale=960:-1', '-frames:v', '3']);
		const answer = await facet.detect({ url: await videos.serve('animated.mp4', gif), num_frames: 3 });
		expect(Object.keys(answer.body.faces_obj)).toEqual(['0']);
		expect(framesOf(answer)[0]?.frame_time).toBeNull();
	});
});
