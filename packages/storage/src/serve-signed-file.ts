import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { AppError } from '@facet/contracts';
import { hasErrorCode } from './file-errors.ts';
import type { FilesystemStore, StoredFile } from './filesystem-store.ts';
import { checkObjectKey } from './object-key.ts';

/**
 * Answers GET and HEAD of a link of the file-system store: `app.use('/files', (request, response) =>
 * serveSignedFile(store, request, response))`. Expects `request.url` without the mount point, as Express gives it.
 *
 * @throws AppError before anything is sent: `method_not_allowed`; `not_found` for an unknown object and for a bad link
 * alike, so that a guess learns nothing, with a detail for a link that was good once; `storage_unavailable`.
 */
export async function serveSignedFile(
	store: FilesystemStore,
	request: IncomingMessage,
	response: ServerResponse,
): Promise<void> {
	if (request.method !== 'GET' && request.method !== 'HEAD') throw new AppError('method_not_allowed');
	const file = await store.open(signedKey(store, request.url ?? ''));
	const fresh = matches(request.headers['if-none-match'], file.etag);
	response.writeHead(fresh ? 304 : 200, headersOf(file, fresh));
	if (fresh || request.method === 'HEAD') {
		await file.handle.close();
		response.end();
		return;
	}
	try {
		await pipeline(file.handle.createReadStream(), response);
	} catch (error) {
		// The headers are out: all that is left is to cut the connection, which pipeline has done. A client that went away
		// is no fault of ours.
		if (!hasErrorCode(error, 'ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE')) {
			throw new AppError('storage_unavailable', { cause: error });
		}
	}
}

/** The object that a link is good for. */
function signedKey(store: FilesystemStore, target: string): string {
	const [path = '', query = ''] = target.split('?', 2);
	const parameters = new URLSearchParams(query);
	const key = path.replace(/^\//, '');
	const verdict = store.verify({
		key,
		expires: parameters.get('expires'),
		signature: parameters.get('signature'),
	});
	if (verdict === 'expired') throw new AppError('not_found', { detail: 'the link has expired' });
	if (verdict === 'forged') throw new AppError('not_found');
	return checkObjectKey(key);
}

function headersOf(file: StoredFile, fresh: boolean): Record<string, string | number> {
	return {
		'Cache-Control': file.cacheControl,
		ETag: file.etag,
		// Inline inputs hold bytes of strangers: nothing may guess a type from them or run what is in them.
		'X-Content-Type-Options': 'nosniff',
		'Content-Security-Policy': "default-src 'none'; sandbox",
		// The links are made to be shown on other sites' pages.
		'Cross-Origin-Resource-Policy': 'cross-origin',
		...(fresh ? {} : { 'Content-Type': file.contentType, 'Content-Length': file.contentLength }),
	};
}

/** RFC 9110, section 13.1.2: a list of validators, compared without regard to weakness, or `*`. */
function matches(ifNoneMatch: string | undefined, etag: string): boolean {
	if (ifNoneMatch === undefined) return false;
	return ifNoneMatch
		.split(',')
		.map((candidate) => candidate.trim().replace(/^W\//, ''))
		.some((candidate) => candidate === '*' || candidate === etag);
}
