import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { createGunzip, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HEAD_BYTES, receiveFile } from './receive-file.ts';

const never = new AbortController().signal;
let directory: string;
let path: string;

beforeAll(async () => {
	directory = await mkdtemp(join(tmpdir(), 'facet-receive-'));
	path = join(directory, 'file');
});

afterAll(async () => {
	await rm(directory, { recursive: true });
});

/** A stream of the content in pieces. */
function inPieces(content: Buffer, pieceBytes: number): Readable {
	const pieces = Array.from({ length: Math.ceil(content.length / pieceBytes) }, (_, index) =>
		content.subarray(index * pieceBytes, (index + 1) * pieceBytes),
	);
	return Readable.from(pieces);
}

it.each([
	['a photo that is written at once', 300_000, 65_536],
	['more than is held back, in large pieces', 5_000_000, 400_000],
	['more than is held back, in one piece', 3_000_000, 3_000_000],
	['exactly what is held back', 1_048_576, 65_536],
	['bytes that trickle', 20_000, 7],
	['nothing', 0, 1],
])('writes %s', async (_, bytes, pieceBytes) => {
	const content = randomBytes(bytes);
	const received = await receiveFile(inPieces(content, pieceBytes), path, {
		maxBytes: bytes,
		signal: never,
	});
	expect(received.bytes).toBe(bytes);
	expect(received.head.equals(content.subarray(0, HEAD_BYTES))).toBe(true);
	expect((await readFile(path)).equals(content)).toBe(true);
});

it('counts what comes out of a decompressor', async () => {
	const content = Buffer.alloc(2_000_000, 'facet');
	const unzipped = () => pipeline(inPieces(gzipSync(content), 1000), createGunzip(), () => {});
	expect(await receiveFile(unzipped(), path, { maxBytes: content.length, signal: never })).toMatchObject({
		bytes: content.length,
	});
	expect((await readFile(path)).equals(content)).toBe(true);

	const refused = receiveFile(unzipped(), path, { maxBytes: content.length - 1, signal: never });
	await expect(refused).rejects.toMatchObject({ code: 'too_large' });
});

it('refuses what is announced as too large before anything is read', async () => {
	let isRead = false;
	const source = new Readable({
		read() {
			isRead = true;
		},
	});
	const refused = receiveFile(source, path, { maxBytes: 99, announcedBytes: 100, signal: never });
	await expect(refused).rejects.toMatchObject({
		code: 'too_large',
		detail: 'expected at most 99 bytes',
	});
	expect(isRead).toBe(false);
});

it('fails with what the stream fails with, and when it is broken off while the stream stands still', async () => {
	const failing = Readable.from(
		(function* () {
			yield Buffer.from('begun');
			throw new Error('cut');
		})(),
	);
	await expect(receiveFile(failing, path, { maxBytes: 99, signal: never })).rejects.toThrow('cut');

	const controller = new AbortController();
	const still = new Readable({ read() {} });
	const received = receiveFile(still, path, { maxBytes: 99, signal: controller.signal });
	controller.abort();
	await expect(received).rejects.toMatchObject({ name: 'AbortError' });
	expect(still.destroyed).toBe(true);
});
