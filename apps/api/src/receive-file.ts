import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError } from '@facet/contracts';

/** A file that a client has sent. */
export interface ReceivedFile {
	readonly path: string;
	readonly bytes: number;
	/** Hexadecimal digest. */
	readonly sha256: string;
	/** What the client calls it, without folders: for people, never for a path. */
	readonly filename?: string;
}

export interface ReceiveFileOptions {
	/** A new file; readable by this process's user only. */
	readonly path: string;
	readonly filename: string | undefined;
	readonly signal: AbortSignal;
}

const MAX_FILENAME_LENGTH = 255;

/**
 * Streams a file to the disk and hashes it on the way. What was written before a failure stays.
 *
 * @throws AppError `storage_unavailable` when the disk refuses; the stream's own error.
 */
export async function receiveFile(
	stream: Readable,
	{ path, filename, signal }: ReceiveFileOptions,
): Promise<ReceivedFile> {
	const hash = createHash('sha256');
	let bytes = 0;
	const measured = async function* (chunks: AsyncIterable<Buffer>) {
		for await (const chunk of chunks) {
			bytes += chunk.length;
			hash.update(chunk);
			yield chunk;
		}
	};
	try {
		await pipeline(stream, measured, createWriteStream(path, { flags: 'wx', mode: 0o600 }), { signal });
	} catch (error) {
		// The file's own errors name a system call; those of the stream come from the parser.
		if (!(error instanceof Error) || !('syscall' in error)) throw error;
		throw new AppError('storage_unavailable', { cause: error });
	}
	return {
		path,
		bytes,
		sha256: hash.digest('hex'),
		...(filename ? { filename: filename.slice(0, MAX_FILENAME_LENGTH) } : {}),
	};
}
