import { closeSync, openSync, writeFileSync, writevSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { addAbortSignal, type Readable } from 'node:stream';
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
 * What is held back for one write, which is all of most photos. Not many chunks, since of bytes that trickle each costs a
 * hundred times its size.
 */
const HELD_BYTES = 1_048_576;
const HELD_CHUNKS = 32;

/**
 * Writes a stream into a new file. The stream is destroyed afterwards.
 *
 * @throws AppError `too_large` as soon as more than `maxBytes` are announced or have come; what the stream throws. The file
 * may hold a part then.
 */
export async function receiveFile(
	source: Readable,
	file: string,
	{ maxBytes, announcedBytes = 0, signal }: ReceiveOptions,
): Promise<ReceivedFile> {
	const tooLarge = () => new AppError('too_large', { detail: `expected at most ${maxBytes} bytes` });
	if (announcedBytes > maxBytes) throw tooLarge();
	let bytes = 0;
	let head = Buffer.alloc(0);
	let held: Buffer[] = [];
	let heldBytes = 0;
	let handle: FileHandle | undefined;
	const chunks: AsyncIterable<Buffer> = addAbortSignal(signal, source);
	try {
		for await (const chunk of chunks) {
			bytes += chunk.length;
			if (bytes > maxBytes) throw tooLarge();
			if (head.length < HEAD_BYTES) head = Buffer.concat([head, chunk.subarray(0, HEAD_BYTES - head.length)]);
			held.push(chunk);
			heldBytes += chunk.length;
			if (heldBytes < HELD_BYTES && held.length < HELD_CHUNKS) continue;
			handle ??= await open(file, 'w');
			await handle.appendFile(Buffer.concat(held, heldBytes));
			held = [];
			heldBytes = 0;
		}
		if (handle === undefined) writeSmallFile(file, held, heldBytes);
		else await handle.appendFile(Buffer.concat(held, heldBytes));
	} finally {
		await handle?.close();
	}
	return { bytes, head };
}

/**
 * On this very thread: that a photo is copied to the kernel's memory takes a fraction of what three trips to another thread
 * take, each of which wakes it in the midst of others' work.
 */
function writeSmallFile(file: string, chunks: readonly Buffer[], bytes: number): void {
	const descriptor = openSync(file, 'w');
	try {
		const written = chunks.length === 0 ? 0 : writevSync(descriptor, chunks);
		// A disk that is full takes a part; what is left gets its error.
		if (written < bytes) writeFileSync(descriptor, Buffer.concat(chunks, bytes).subarray(written));
	} finally {
		closeSync(descriptor);
	}
}
