import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure } from '../failure.mjs';

const ATTEMPTS = 3;

/**
 * Downloads a file of known length, from where an earlier attempt left it.
 *
 * @param {string} url
 * @param {string} part Where the bytes go; what is there already counts as the file's beginning.
 * @param {{ bytes: number, progress?: (receivedBytes: number) => void }} options
 */
export async function downloadFile(url, part, { bytes, progress = () => {} }) {
	for (let attempt = 1; ; attempt++) {
		try {
			await continueDownload(url, part, bytes, progress);
			return;
		} catch (cause) {
			if (cause instanceof Failure) throw cause;
			if (attempt < ATTEMPTS) continue;
			const { message, cause: inner } = /** @type {Error} */ (cause);
			const reason = inner instanceof Error ? `${message}: ${inner.message}` : message;
			throw new Failure(`Cannot download ${url}: ${reason}`, { cause });
		}
	}
}

/**
 * @param {string} url
 * @param {string} part
 * @param {number} bytes
 * @param {(receivedBytes: number) => void} progress
 */
async function continueDownload(url, part, bytes, progress) {
	const found = await stat(part).catch(() => undefined);
	// A part that is too long is not a beginning of this file.
	const have = found && found.size <= bytes ? found.size : 0;
	if (have === bytes) return;

	const response = await fetch(url, { headers: have > 0 ? { range: `bytes=${have}-` } : {} });
	if (!response.ok || !response.body) throw new Failure(`Cannot download ${url}: HTTP ${response.status}`);
	// A server that does not do ranges answers 200 and begins again.
	const resumed = response.status === 206;
	let received = resumed ? have : 0;
	const counted = async function* (/** @type {AsyncIterable<Uint8Array>} */ chunks) {
		for await (const chunk of chunks) {
			received += chunk.length;
			if (received > bytes) throw new Failure(`${url} is longer than the ${bytes} bytes expected`);
			progress(received);
			yield chunk;
		}
	};
	const body = Readable.fromWeb(/** @type {import('node:stream/web').ReadableStream} */ (response.body));
	await pipeline(body, counted, createWriteStream(part, { flags: resumed ? 'a' : 'w' }));
	if (received < bytes) throw new Error(`the connection ended after ${received} of ${bytes} bytes`);
}
