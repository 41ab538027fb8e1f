import { Transform } from 'node:stream';
import { AppError } from '@facet/contracts';

/** Bytes that have come. */
export interface ReceivedFile {
	readonly bytes: number;
	/** The first of them: enough to tell the type of a file by. */
	readonly head: Buffer;
}

/** Of a file's beginning; a prolog, a doctype and a comment before the root element of an SVG fit. */
export const HEAD_BYTES = 4096;

export interface ByteLimit {
	/** Passes bytes on until there are too many. */
	readonly stream: Transform;
	/** What has passed so far. */
	readonly received: ReceivedFile;
	/**
	 * Refuses a length that the sender claims before the first byte comes.
	 *
	 * @throws AppError `too_large`.
	 */
	announce(claimedBytes: number): void;
}

/** A stream that fails with `too_large` as soon as more than `maxBytes` have come. */
export function byteLimit(maxBytes: number): ByteLimit {
	let bytes = 0;
	let head = Buffer.alloc(0);
	const tooLarge = () => new AppError('too_large', { detail: `expected at most ${maxBytes} bytes` });
	const stream = new Transform({
		transform(chunk: Buffer, _encoding, done) {
			bytes += chunk.length;
			if (head.length < HEAD_BYTES) head = Buffer.concat([head, chunk.subarray(0, HEAD_BYTES - head.length)]);
			if (bytes > maxBytes) done(tooLarge());
			else done(null, chunk);
		},
	});
	return {
		stream,
		get received() {
			return { bytes, head };
		},
		announce(claimedBytes) {
			if (claimedBytes > maxBytes) throw tooLarge();
		},
	};
}
