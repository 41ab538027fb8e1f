import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** A picture to decode. */
export interface PictureSource {
	/** Its bytes, or the path of a large file. */
	readonly input: string | Buffer;
	/** The bytes that it begins with; all of them unless the file is large. */
	readonly head: Buffer;
}

/** Most photos as they are on the web have less. */
const LARGE_BYTES = 1_048_576;

/** Buffers of that size that nothing is in. There are never more than pictures were being decoded at one time. */
const free: Buffer[] = [];

/**
 * Reads a picture's file into memory, unless it is large. libvips would open and read it a dozen times, to find out what
 * it is, before and after the size is known.
 *
 * Not asynchronously: the file was written a moment ago, and what is read is small.
 *
 * @param source - the path, or the bytes that are there already.
 * @param use - must not keep the bytes: the next picture is read into the same memory.
 */
export async function withPicture<T>(
	source: string | Buffer,
	use: (picture: PictureSource) => Promise<T>,
): Promise<T> {
	if (typeof source !== 'string') return use({ input: source, head: source });
	const memory = free.pop() ?? Buffer.allocUnsafeSlow(LARGE_BYTES);
	try {
		const { head, isWhole } = readInto(memory, source);
		return await use({ input: isWhole ? head : source, head });
	} finally {
		free.push(memory);
	}
}

function readInto(memory: Buffer, path: string): { head: Buffer; isWhole: boolean } {
	const file = openSync(path, 'r');
	try {
		const head = memory.subarray(0, readSync(file, memory, 0, memory.length, 0));
		return { head, isWhole: head.length === fstatSync(file).size };
	} finally {
		closeSync(file);
	}
}
