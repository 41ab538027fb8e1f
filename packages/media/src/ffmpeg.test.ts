import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RawDecode, startRawDecode } from './ffmpeg.ts';

const run = promisify(execFile);

/** Frames that are decoded, of all of them: over so many that are not, ffmpeg ends with an error. */
const GOOD_FRAMES = 2;
const FRAMES = 12;
const FRAME_BYTES = 160 * 120 * 3;

let directory: string;
let damaged: string;

beforeAll(async () => {
	directory = await mkdtemp(join(tmpdir(), 'facet-test-'));
	const whole = join(directory, 'whole.mkv');
	const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=160x120', '-frames:v', String(FRAMES)];
	await run('ffmpeg', ['-v', 'error', ...picture, '-c:v', 'png', whole]);
	damaged = join(directory, 'damaged.mkv');
	await writeFile(damaged, withDamagedPictures(await readFile(whole)));
});

afterAll(async () => {
	await rm(directory, { recursive: true, force: true });
});

/** The last pictures get a size that no picture has. */
function withDamagedPictures(video: Buffer): Buffer {
	const header = Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1');
	const starts: number[] = [];
	for (let at = video.indexOf(header); at >= 0; at = video.indexOf(header, at + 1)) starts.push(at);
	expect(starts).toHaveLength(FRAMES);
	for (const start of starts.slice(GOOD_FRAMES)) {
		video.fill(0xff, start + header.length, start + header.length + 8);
	}
	return video;
}

function decode(input: string | Readable): RawDecode {
	return startRawDecode(input, {
		stream: 0,
		inputOptions: ['-threads', '1'],
		filters: ['null'],
		outputOptions: ['-pix_fmt', 'rgb24'],
		onLine: () => {},
	});
}

async function bytesOf({ pixels }: RawDecode): Promise<number> {
	let bytes = 0;
	for await (const chunk of pixels) bytes += chunk.length;
	return bytes;
}

describe('a decode that fails', () => {
	it('before its first frame ends, with its error', async () => {
		const decoding = decode('/nowhere/video.mp4');
		expect(await bytesOf(decoding)).toBe(0);
		expect((await decoding.ended).error).toBeInstanceOf(Error);
	});

	it('after its last frame gives them all, also to who begins to read when ffmpeg is gone', async () => {
		const decoding = decode(damaged);
		expect((await decoding.ended).error?.message).toMatch(/exited with code/);
		expect(await bytesOf(decoding)).toBe(GOOD_FRAMES * FRAME_BYTES);
	});

	it('while its input is still written ends, with its error', async () => {
		const chunk = Buffer.alloc(1 << 20, 'no video');
		// More than any pipe holds, so that most of it has nobody to read it.
		const decoding = decode(Readable.from(Array<Buffer>(32).fill(chunk)));
		expect(await bytesOf(decoding)).toBe(0);
		expect((await decoding.ended).error?.message).toMatch(/exited with code/);
	});
});
