import { Transform } from 'node:stream';
import { AppError } from '@facet/contracts';

export interface ByteLimit {
	/** Passes bytes on until there are too many. */
	readonly stream: Transform;
	/** Bytes passed so far. */
	readonly bytes: number;
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
	const tooLarge = () => new AppError('too_large', { detail: `expected at most ${maxBytes} bytes` });
	const stream = new Transform({
		transform(chunk: Buffer, _encoding, done) {
			bytes += chunk.length;
			if (bytes > maxBytes) done(tooLarge());
			else done(null, chunk);
		},
	});
	return {
		stream,
		get bytes() {
			return bytes;
		},
		announce(claimedBytes) {
			if (claimedBytes > maxBytes) throw tooLarge();
		},
	};
}
