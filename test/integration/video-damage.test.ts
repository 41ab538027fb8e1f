import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { openVideo, ProcessLimit, sniffMedia } from '@facet/media';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClipName, Clips, runFfmpeg } from '../support/clips.ts';
import { fullDecodeTimes } from '../support/decoded-video.ts';
import { fingerprint, openClip, readAll, VIDEO_LIMITS } from '../support/read-video.ts';

/** Files that are damaged, lie, are no videos or ask for too much; and what is left when somebody stops in the middle. */

let directory: string;
let clips: Clips;

beforeAll(async () => {
	directory = await mkdtemp(join(tmpdir(), 'facet-damage-'));
	clips = new Clips(directory);
});

afterAll(async () => {
	await rm(directory, { recursive: true });
});

describe('damage', () => {
	it.each<[ClipName, RegExp | undefined]>([
		['mp4-truncated', /ends too early/],
		['mkv-truncated', /ends too early/],
		['avi-truncated', /the header says 50 frames, the file has 22/],
		['ts-truncated', undefined],
		['ts-cut-in', /damaged/],
		['mp4-garbage', /damaged/],
		['mkv-garbage', undefined],
		['ts-garbage', undefined],
	])('%s: what can be decoded is given, the same on both ways', async (clip, warning) => {
		const path = await clips.get(clip);
		const [video, times] = await Promise.all([openClip(path), fullDecodeTimes(path)]);
		expect(video.facts.frames).toBeGreaterThanOrEqual(10);
		expect(Math.abs(video.facts.frames - times.length)).toBeLessThanOrEqual(2);
		const linear = await readAll(video, 20, { maxSide: 160, strategy: 'linear' });
		expect(linear.length).toBeGreaterThanOrEqual(10);
		expect(fingerprint(await readAll(video, 20, { maxSide: 160, strategy: 'seek' }))).toEqual(
			fingerprint(linear),
		);
		if (warning) expect(video.warnings.join('; ')).toMatch(warning);
	});

	it.each<[ClipName, RegExp]>([
		['mp4-moov-lost', /^corrupt_media: expected a readable mp4 file/],
		['mp4-all-garbage', /^corrupt_media: no frame/],
	])('%s: nothing to decode is an error at once', async (clip, message) => {
		const path = await clips.get(clip);
		await expect(openClip(path).then((video) => readAll(video, 5))).rejects.toThrow(message);
	});

	it.each<[ClipName, RegExp]>([
		['avi-claims-many', /the header says 1000000000 frames, the file has 50/],
		['mkv-wrong-duration', /the header says 36000\.0 seconds, the frames last 2\.0/],
	])('%s: facts count', async (clip, warning) => {
		const video = await openClip(await clips.get(clip));
		expect(video.facts).toMatchObject({ frames: 50, durationMs: 2000 });
		expect(video.warnings.join('; ')).toMatch(warning);
	});

	it.each<ClipName>(['mp3-cover', 'm4a-cover', 'flac-audio', 'ogg-audio', 'wav-audio'])(
		'%s has no video',
		async (clip) => {
			await expect(openClip(await clips.get(clip))).rejects.toThrow(/^no_video_stream/);
		},
	);

	it('names empty files, texts and playlists', async () => {
		const path = join(directory, 'video.mp4');
		await writeFile(path, '');
		await expect(openClip(path)).rejects.toThrow(/^corrupt_media: the file is empty/);
		await writeFile(path, 'This is not a video.');
		await expect(openClip(path)).rejects.toThrow(/^unsupported_format/);
		await writeFile(path, `#EXTM3U\n#EXTINF:1,\n${await clips.get('ts-h264')}\n`);
		await expect(openClip(path)).rejects.toThrow(/^unsupported_format.* a playlist/);
	});
});

describe('damage that only the decoder sees', () => {
	it('ends excerpts, and a linear decode goes on', async () => {
		const path = join(directory, 'flipped.mp4');
		const bytes = await readFile(await clips.get('mp4-moov-first'));
		const entries = [
			'-show_entries',
			'packet=pos,flags',
			'-of',
			'csv=p=0',
			await clips.get('mp4-moov-first'),
		];
		const { stdout } = await run('ffprobe', ['-v', 'error', ...entries]);
		const [, second = 0] = [...stdout.matchAll(/^(\d+),K/gm)].map(([, place]) => Number(place));
		// In the picture, far behind its header: no walk through units sees it.
		bytes.fill(0x55, second + 800, second + 1200);
		await writeFile(path, bytes);
		expect((await run('ffmpeg', ['-v', 'error', '-i', path, '-f', 'null', '-'])).stderr).toMatch(
			/error while/,
		);
		const video = await openClip(path);
		expect(video.plan(video.sample(25)).strategy).toBe('excerpt');
		const linear = await readAll(video, 25, { strategy: 'linear' });
		expect(fingerprint(await readAll(video, 25, { strategy: 'excerpt' }))).toEqual(fingerprint(linear));
	});

	it('a file that becomes shorter while it is read gives the frames that are left', async () => {
		const path = join(directory, 'shrinking.mp4');
		await copyFile(await clips.get('mp4-moov-first'), path);
		const video = await openClip(path);
		await truncate(path, Math.floor((await stat(path)).size * 0.6));
		const frames = await readAll(video, 10, { strategy: 'excerpt' });
		expect(frames.length).toBeGreaterThan(3);
		expect(frames.length).toBeLessThan(10);
		expect(video.warnings.join('; ')).toMatch(/could not be decoded/);
	});
});

describe('limits', () => {
	it('refuses too many pixels and too many seconds before anything is decoded', async () => {
		const path = await clips.get('mp4-h264');
		await expect(openClip(path, { ...VIDEO_LIMITS, maxPixels: 320 * 180 - 1 })).rejects.toThrow(
			/^too_many_pixels: expected at most 57599 pixels a frame, received 320 x 180/,
		);
		await expect(openClip(path, { ...VIDEO_LIMITS, maxSeconds: 1 })).rejects.toThrow(
			/^video_too_long: expected at most 1 seconds/,
		);
	});

	it('counts from the first frame', async () => {
		const video = await openClip(await clips.get('mkv-late-start'), { ...VIDEO_LIMITS, maxSeconds: 2 });
		expect(video.facts.frames).toBe(50);
	});

	it('stops when the time is over', async () => {
		const path = await clips.get('mp4-h264');
		await expect(openClip(path, { ...VIDEO_LIMITS, timeoutMs: 1 })).rejects.toThrow(/^processing_timeout/);
	});

	it('stops when it is told to, while probing and while reading', async () => {
		const path = await clips.get('mp4-h264');
		const type = await sniffMedia(path);
		if (type.kind !== 'video') throw new Error('expected a video');
		const gone = AbortSignal.abort(new Error('gone'));
		await expect(openVideo(path, type, VIDEO_LIMITS, { signal: gone })).rejects.toThrow('gone');
		const video = await openClip(path);
		const abort = new AbortController();
		const reading = (async () => {
			for await (const _ of video.frames(video.sample(50), { signal: abort.signal })) {
				abort.abort(new Error('gone'));
			}
		})();
		await expect(reading).rejects.toThrow('gone');
	});
});

describe('pictures', () => {
	it.each<ClipName>(['webm-alpha', 'mov-alpha'])('%s: what is clear is white', async (clip) => {
		const video = await openClip(await clips.get(clip));
		const [linear, sought] = [
			await readAll(video, 3, { strategy: 'linear' }),
			await readAll(video, 3, { strategy: 'seek' }),
		];
		expect(fingerprint(sought)).toEqual(fingerprint(linear));
		const { width = 0, data = new Uint8Array() } = linear[1]?.image ?? {};
		expect([...data.subarray(width * 90 * 3, width * 90 * 3 + 3)].every((level) => level > 250)).toBe(true);
		const opaque = data.subarray((width * 91 - 40) * 3, width * 91 * 3);
		expect(opaque.reduce((sum, level) => sum + level, 0) / opaque.length).toBeLessThan(240);
	});
});

describe('processes', () => {
	it('runs no more of them than allowed, and leaves none when the reader goes away', async () => {
		const path = await clips.get('mp4-h264');
		const type = await sniffMedia(path);
		if (type.kind !== 'video') throw new Error('expected a video');
		const processes = new ProcessLimit(2);
		const video = await openVideo(path, type, VIDEO_LIMITS, { processes });
		for (const strategy of ['linear', 'seek', 'excerpt'] as const) {
			for await (const _ of video.frames(video.sample(50), { strategy })) {
				expect(processes.running).toBeLessThanOrEqual(2);
				break;
			}
			expect(processes.running).toBe(0);
		}
		expect(await childrenOf(process.pid)).toEqual([]);
	});

	it.each(['linear', 'excerpt'])(
		'%s: leaves no ffmpeg and no file when the worker is killed, even in a long silence',
		async (strategy) => {
			const path = join(directory, `long-${strategy}.mp4`);
			const picture = ['-f', 'lavfi', '-i', 'testsrc2=s=1280x720:r=30:d=40'];
			await runFfmpeg([
				...picture,
				...'-c:v libx264 -preset ultrafast -crf 35 -g 9999 -pix_fmt yuv420p'.split(' '),
				path,
			]);
			const before = await readdir(directory);
			const reader = spawn(process.execPath, ['--input-type=module', '-e', READER, path, strategy], {
				cwd: new URL('..', import.meta.url),
				stdio: ['ignore', 'pipe', 'inherit'],
			});
			await once(reader.stdout, 'data');
			const [ffmpeg = 0] = await waitForChild(reader);
			reader.kill('SIGKILL');
			await once(reader, 'close');
			await sleep(500);
			expect(await isRunning(ffmpeg)).toBe(false);
			expect(await readdir(directory)).toEqual(before);
		},
	);
});

/** Reads the first and the last frame: nothing is written between the two. */
const READER = `
import { openVideo, sniffMedia } from '@facet/media';
const [, path, strategy] = process.argv;
const limits = { maxPixels: 1e8, maxSeconds: 600, timeoutMs: 600000 };
const video = await openVideo(path, await sniffMedia(path), limits);
const refs = video.sample(1000000);
for await (const frame of video.frames([refs[0], refs.at(-1)], { maxSide: 320, strategy })) {
	process.stdout.write(String(frame.index) + '\\n');
}
`;

const run = promisify(execFile);

async function childrenOf(pid: number): Promise<number[]> {
	const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid=,stat=,comm=']);
	return stdout.split('\n').flatMap((line) => {
		const [child, parent, state, command] = line.trim().split(/\s+/);
		const counts = Number(parent) === pid && command?.startsWith('ff') && !state?.startsWith('Z');
		return counts ? [Number(child)] : [];
	});
}

async function waitForChild(parent: ChildProcess): Promise<number[]> {
	for (let attempt = 0; attempt < 100; attempt += 1) {
		const children = await childrenOf(parent.pid ?? 0);
		if (children.length > 0) return children;
		await sleep(20);
	}
	throw new Error('expected ffmpeg to run');
}

async function isRunning(pid: number): Promise<boolean> {
	const { stdout } = await run('ps', ['-o', 'stat=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
	return stdout.trim() !== '' && !stdout.trim().startsWith('Z');
}
