import { Readable } from 'node:stream';
import { AppError } from '@facet/contracts';
import type { PutOptions } from './object-store.ts';

/** A stream and the number of bytes that it must give. */
export interface SizedStream {
	readonly stream: Readable;
	readonly contentLength: number;
}

/**
 * What `put` was given, told apart.
 *
 * @throws TypeError for a stream without a length: a fault of the caller that no client can cause.
 */
export function toSizedBody(
	body: Uint8Array | Readable,
	{ contentLength }: PutOptions,
): Uint8Array | SizedStream {
	if (!(body instanceof Readable)) return body;
	if (contentLength !== undefined && Number.isSafeInteger(contentLength) && contentLength >= 0) {
		return { stream: body, contentLength };
	}
	body.destroy();
	throw new TypeError(`Expected the stream's contentLength in bytes but received ${contentLength}`);
}

/**
 * The stream's chunks; fails when the stream does, and when it gives more or fewer bytes than announced. An S3 request
 * of fewer bytes than its Content-Length would wait for its time limit instead.
 */
export async function* chunksOf({ stream, contentLength }: SizedStream): AsyncGenerator<Buffer> {
	let received = 0;
	for await (const chunk of stream) {
		const bytes = Buffer.from(chunk);
		received += bytes.length;
		if (received > contentLength) break;
		yield bytes;
	}
	if (received !== contentLength) {
		const came = received > contentLength ? 'more' : String(received);
		throw new AppError('internal', {
			cause: new RangeError(`Expected a body of ${contentLength} bytes but received ${came}`),
		});
	}
}
