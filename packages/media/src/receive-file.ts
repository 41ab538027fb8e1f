import { createWriteStream } from 'node:fs';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError } from '@facet/contracts';

/** Bytes that have come. */
export interface ReceivedFile {
	readonly bytes: number;
	/** The first of them: enough to tell the type of a file by. */
	readonly head: Buffer;
}

export interface ReceiveOptions {
	readonly maxBytes: number;
	/** How many bytes the sender says will come, if it does. */
	readonly announcedBytes?: number;
	readonly signal: AbortSignal;
}

/** Of a file's beginning; a prolog, a doctype and a comment before the root element of an SVG fit. */
export const HEAD_BYTES = 4096;
/**
 * What is held back for one write, which is all of most photos: each write of its own is a trip to another thread, which
 * costs more than the write. Not many chunks, since of bytes that trickle each costs a hundred times its size.
 */
const HELD_BYTES = 1_048_576;
const HELD_CHUNKS = 32;

/**
 * Writes a stream into a new file.
 *
 * @param source - the stream, and what its bytes pass through.
 * @throws AppError `too_large` as soon as more than `maxBytes` are announced or have come; what the streams throw. The file
 * may hold a part then.
 */
export async function receiveFile(
	source: readonly [Readable, ...NodeJS.ReadWriteStream[]],
	file: string,
	{ maxBytes, announcedBytes = 0, signal }: ReceiveOptions,
): Promise<ReceivedFile> {
	const tooLarge = () => new AppError('too_large', { detail: `expected at most ${maxBytes} bytes` });
	if (announcedBytes > maxBytes) throw tooLarge();
	let bytes = 0;
	let chunks = 0;
	let head = Buffer.alloc(0);
	const output = createWriteStream(file, { highWaterMark: HELD_BYTES });
	const limit = new Transform({
		transform(chunk: Buffer, _encoding, done) {
			bytes += chunk.length;
			chunks += 1;
			if (head.length < HEAD_BYTES) head = Buffer.concat([head, chunk.subarray(0, HEAD_BYTES - head.length)]);
			if (bytes > maxBytes) return done(tooLarge());
			if (bytes >= HELD_BYTES || chunks >= HELD_CHUNKS) output.uncork();
			done(null, chunk);
		},
	});
	// Until so many bytes or chunks have come, or the stream ends.
	output.cork();
	await pipeline([...source, limit, output], { signal });
	return { bytes, head };
}
