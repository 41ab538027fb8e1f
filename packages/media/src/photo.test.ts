import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toReadablePhoto } from './photo.ts';
import { decodeForDetection } from './picture.ts';

const WIDTH = 160;
const HEIGHT = 120;
const HEADER_BYTES = 54;
const LIMITS = { maxPixels: 1e8, timeoutMs: 10_000 };

let directory: string;

beforeAll(async () => {
	directory = await mkdtemp(join(tmpdir(), 'facet-test-'));
});

afterAll(async () => {
	await rm(directory, { recursive: true, force: true });
});

/** Of 24 bits a pixel, with a height of its own in its header. */
function bitmap(height = HEIGHT): Buffer {
	const bytes = Buffer.alloc(HEADER_BYTES + WIDTH * HEIGHT * 3, 200);
	bytes.fill(0, 0, HEADER_BYTES);
	bytes.write('BM', 'latin1');
	bytes.writeUInt32LE(bytes.length, 2);
	bytes.writeUInt32LE(HEADER_BYTES, 10);
	bytes.writeUInt32LE(40, 14);
	bytes.writeInt32LE(WIDTH, 18);
	bytes.writeInt32LE(height, 22);
	bytes.writeUInt16LE(1, 26);
	bytes.writeUInt16LE(24, 28);
	return bytes;
}

async function decode(bytes: Buffer) {
	const path = join(directory, 'photo.bmp');
	await writeFile(path, bytes);
	const newFile = (name: string) => join(directory, name);
	const readable = await toReadablePhoto(path, 'bmp', { ...LIMITS, newFile });
	return decodeForDetection(readable, { maxSide: 200, ...LIMITS });
}

describe('a BMP', () => {
	it('is read by way of a PNG', async () => {
		expect(await decode(bitmap())).toMatchObject({ width: WIDTH, height: HEIGHT });
	});

	it.each([0.1, 0.5, 0.95])('of which only %d is there is corrupt', async (share) => {
		const bytes = bitmap();
		await expect(decode(bytes.subarray(0, bytes.length * share))).rejects.toThrow(/corrupt_media/);
	});

	it.each([1.05, 1.5, 2, 40])('whose header says %d times its height is corrupt', async (times) => {
		await expect(decode(bitmap(HEIGHT * times))).rejects.toThrow(/corrupt_media/);
	});
});
