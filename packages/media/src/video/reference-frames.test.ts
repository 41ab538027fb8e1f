import { describe, expect, it } from 'vitest';
import { isReference } from './reference-frames.ts';

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
