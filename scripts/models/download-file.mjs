import { open, stat } from 'node:fs/promises';
import { Failure } from '../failure.mjs';
import { reasonOf, webRequest } from './web-request.mjs';

const ATTEMPTS = 3;

/**
 * Downloads a file of known length, or a part of one, from where an earlier attempt left it.
 *
 * @param {string} url
 * @param {string} part Where the bytes go; what is there already counts as their beginning.
 * @param {{ bytes: number, start?: number, progress?: (receivedBytes: number) => void }} options `bytes` from `start`
 *   on are wanted; a `start` beyond 0 needs a server that does ranges.
 */
export async function downloadFile(url, part, { bytes, start = 0, progress = () => {} }) {
	for (let attempt = 1; ; attempt++) {
		try {
			await continueDownload(url, part, { bytes, start, progress });
			return;
		} catch (cause) {
			if (cause instanceof Failure) throw cause;
			if (attempt < ATTEMPTS) continue;
			throw new Failure(`Cannot download ${url}: ${reasonOf(cause)}`, { cause });
		}
	}
}

/**
 * @param {string} url
 * @param {string} part
 * @param {{ bytes: number, start: number, progress: (receivedBytes: number) => void }} options
 */
async function continueDownload(url, part, { bytes, start, progress }) {
	const found = await stat(part).catch(() => undefined);
	// A part that is too long is not a beginning of this file.
	const have = found && found.size <= bytes ? found.size : 0;
	if (have === bytes) return;

	const from = start + have;
	const range = start > 0 ? `bytes=${from}-${start + bytes - 1}` : `bytes=${from}-`;
	const response = await webRequest(url, from > 0 ? { range } : {});
	if (!response.ok || !response.body) throw new Failure(`Cannot download ${url}: HTTP ${response.status}`);
	// A server that does not do ranges answers 200 and begins again.
	const resumed = response.status === 206;
	if (resumed && startOf(response) !== from) {
		throw new Failure(`Cannot download ${url}: asked for bytes from ${from}, got others`);
	}
	if (start > 0 && !resumed) throw new Failure(`Cannot download a part of ${url}: its server does no ranges`);
	let received = resumed ? have : 0;
	// Written one by one, so that a connection that breaks leaves everything that had come.
	const file = await open(part, received > 0 ? 'a' : 'w');
	try {
		for await (const chunk of response.body) {
			received += chunk.length;
			if (received > bytes) throw new Failure(`${url} is longer than the ${bytes} bytes expected`);
			await file.writeFile(chunk);
			progress(received);
		}
	} finally {
		await file.close();
	}
	if (received < bytes) throw new Error(`the connection ended after ${received} of ${bytes} bytes`);
}

/**
 * The first byte that a partial answer holds.
 *
 * @param {import('./web-request.mjs').WebResponse} response
 */
function startOf({ headers }) {
	return Number(/^bytes (\d+)-/.exec(headers.get('content-range') ?? '')?.[1]);
}
