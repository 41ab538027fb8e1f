import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { indexFrames } from './frame-index.ts';
import { probeVideo } from './probe-video.ts';
import { ProcessLimit } from './process-limit.ts';
import { findReferenceFrames, isReference } from './reference-frames.ts';

const execute = promisify(execFile);

/** A unit with its length before it; `importance` is `nal_ref_idc`. */
function unit(importance: number, type: number, bytes: number): Buffer {
	const length = Buffer.alloc(4);
	length.writeUInt32BE(bytes);
	return Buffer.concat([length, Buffer.from([importance * 32 + type]), Buffer.alloc(bytes - 1)]);
}

const reader = (file: Buffer) => async (offset: number, length: number) =>
	file.subarray(offset, offset + length);
const DELIMITER = unit(0, 9, 2);
const MESSAGE = unit(0, 6, 700);

describe('isReference', () => {
	it.each([
		['a key frame', [unit(3, 5, 90)], true],
		['one that others refer to, after delimiter and message', [DELIMITER, MESSAGE, unit(2, 1, 90)], true],
		['one that nobody refers to', [DELIMITER, MESSAGE, unit(0, 1, 90)], false],
		['no slice', [DELIMITER, MESSAGE], false],
		['nothing', [], false],
	])('%s', async (_, units, expected) => {
		const before = Buffer.alloc(33);
		expect(await isReference(reader(Buffer.concat([before, ...units])), before.length)).toBe(expected);
	});

	it('gives up where units never end, and where there is no offset', async () => {
		expect(await isReference(reader(Buffer.alloc(200)), 0)).toBe(false);
		expect(await isReference(reader(unit(3, 5, 9)), Number.NaN)).toBe(false);
	});
});

describe('findReferenceFrames', () => {
	it('finds every I and P frame of an MP4, and leaves out B frames that nobody refers to', async () => {
		const folder = await mkdtemp(join(tmpdir(), 'facet-references-'));
		try {
			const path = join(folder, 'clip.mp4');
			const options = ['-c:v', 'libx264', '-g', '20', '-bf', '2', '-b_strategy', '0', path];
			await execute('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=s=160x90:d=2', ...options]);
			const limits = { maxPixels: 1e6, maxSeconds: 10, timeoutMs: 20_000 };
			const type = { kind: 'video', format: 'mp4', demuxer: 'mov' } as const;
			const source = { path, type, limits, processes: new ProcessLimit(1) };
			const header = await probeVideo(source);
			const index = await indexFrames(source, header, undefined);
			const wanted = Array.from({ length: index.count }, (_, frame) => frame);
			const found = await findReferenceFrames(source, header, index, [{ from: undefined, wanted }]);

			const entries = ['-select_streams', 'v:0', '-show_entries', 'frame=pict_type', '-of', 'csv=p=0'];
			const { stdout } = await execute('ffprobe', ['-v', 'error', ...entries, path]);
			const pictures = stdout.match(/[IPB]/g) ?? [];
			expect(pictures).toHaveLength(wanted.length);
			const anchors = wanted.filter((frame) => pictures[frame] !== 'B');
			expect(anchors.filter((frame) => !found.has(frame))).toEqual([]);
			expect(found.size).toBeLessThan(wanted.length * 0.8);
		} finally {
			await rm(folder, { recursive: true });
		}
	});
});
