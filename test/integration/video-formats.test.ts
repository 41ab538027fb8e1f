import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Frame } from '@facet/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClipName, Clips } from '../support/clips.ts';
import { difference, fullDecodePixels, fullDecodeTimes } from '../support/decoded-video.ts';
import { fingerprint, openClip, readAll } from '../support/read-video.ts';

/** Every shape of an intact video: its frames and times are those of a full decode, on all ways to get at them. */

interface Expected {
	readonly clip: ClipName;
	readonly size?: string;
	readonly rotation?: number;
	readonly frameRate?: 'variable';
	readonly frames?: number;
	/** Largest mean difference to what ffmpeg alone gives: scaled up, or deinterlaced, a picture is not quite the same. */
	readonly tolerance?: number;
}

const CLIPS: readonly Expected[] = [
	{ clip: 'mp4-h264' },
	{ clip: 'mkv-h265' },
	{ clip: 'webm-vp8' },
	{ clip: 'webm-vp9' },
	{ clip: 'webm-vp9-alt-ref' },
	{ clip: 'mp4-av1' },
	{ clip: 'avi-mpeg4' },
	{ clip: 'ogv-theora' },
	{ clip: 'ts-h264' },
	{ clip: 'm2ts-h264' },
	{ clip: 'avi-mjpeg' },
	{ clip: 'mpg-mpeg2' },
	{ clip: 'flv-h264' },
	{ clip: 'wmv-wmv2' },
	{ clip: 'mov-rotated-0' },
	{ clip: 'mov-rotated-90', size: '180x320', rotation: 90 },
	{ clip: 'mov-rotated-180', rotation: 180 },
	{ clip: 'mov-rotated-270', size: '180x320', rotation: 270 },
	{ clip: 'mov-mirrored' },
	{ clip: 'mkv-vfr', frames: 19, frameRate: 'variable' },
	{ clip: 'mp4-vfr', frames: 19, frameRate: 'variable' },
	{ clip: 'mkv-late-start' },
	{ clip: 'ts-late-start' },
	{ clip: 'mp4-edit-list', frames: 37 },
	{ clip: 'mp4-fragmented' },
	{ clip: 'mkv-no-duration' },
	{ clip: 'mp4-wide-pixels', size: '640x180' },
	{ clip: 'mp4-tall-pixels', size: '320x360' },
	{ clip: 'webm-odd-size', size: '317x179' },
	{ clip: 'mkv-10-bit' },
	{ clip: 'mkv-hdr', tolerance: 30 },
	{ clip: 'mp4-interlaced', frames: 25, tolerance: 20 },
	{ clip: 'mp4-one-frame', frames: 1 },
	{ clip: 'mp4-one-key-frame' },
	{ clip: 'mkv-open-gop' },
	{ clip: 'mkv-intra-refresh' },
	{ clip: 'mkv-100-streams' },
];

/** Whose tables Facet reads itself, so that frames can be decoded from excerpts. */
const EXCERPTS: ReadonlySet<ClipName> = new Set([
	'mp4-h264',
	'mov-rotated-0',
	'mov-rotated-90',
	'mov-rotated-180',
	'mov-rotated-270',
	'mov-mirrored',
	'mp4-vfr',
	'mp4-wide-pixels',
	'mp4-tall-pixels',
	'mp4-one-frame',
	'mp4-one-key-frame',
]);

let directory: string;
let clips: Clips;

beforeAll(async () => {
	directory = await mkdtemp(join(tmpdir(), 'facet-video-'));
	clips = new Clips(directory);
});

afterAll(async () => {
	await rm(directory, { recursive: true });
});

describe.concurrent('an intact video', () => {
	it.each(CLIPS)('$clip', async ({ clip, tolerance = 3, ...expected }) => {
		const path = await clips.get(clip);
		const [video, times] = await Promise.all([openClip(path), fullDecodeTimes(path)]);

		const { frames = 50, size = '320x180', rotation = 0, frameRate = 'constant' } = expected;
		expect(times).toHaveLength(frames);
		expect(video.facts).toMatchObject({ frames, rotation, frameRate });
		expect(`${video.facts.width}x${video.facts.height}`).toBe(size);
		expect(video.warnings).toEqual([]);
		const all = video.sample(100);
		expect(all.map(({ index }) => index)).toEqual(times.map((_, index) => index));
		for (const { index, timestampMs } of all) {
			// A full decode itself leaves out the times of an AVI's last frames.
			if (!Number.isNaN(times[index])) expect(timestampMs).toBeCloseTo(times[index] ?? 0, 6);
		}

		const linear = await readAll(video, 4, { strategy: 'linear' });
		const sought = await readAll(video, 4, { strategy: 'seek' });
		expect(linear.map(({ index }) => index)).toEqual(video.sample(4).map(({ index }) => index));
		expect(fingerprint(sought)).toEqual(fingerprint(linear));
		expect(video.plan(all, 'excerpt').strategy === 'excerpt').toBe(EXCERPTS.has(clip));
		const excerpts = await readAll(video, 4, { strategy: 'excerpt' });
		expect(fingerprint(excerpts)).toEqual(fingerprint(linear));
		await expectSamePictures(linear, await fullDecodePixels(path, video.facts), tolerance);
	});
});

/** Each frame is the one that stands at its index in a full decode, and no neighbour of it. */
async function expectSamePictures(frames: readonly Frame[], all: readonly Buffer[], tolerance: number) {
	for (const { index, image } of frames) {
		const [own = 256, ...others] = [index, index - 1, index + 1].flatMap((i) => {
			const picture = all[i];
			return picture === undefined ? [] : [difference(image.data, picture)];
		});
		expect(own).toBeLessThan(tolerance);
		expect(own).toBeLessThan(Math.min(...others, 256));
	}
}
