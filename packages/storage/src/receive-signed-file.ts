import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '@facet/contracts';
import type { FilesystemStore } from './filesystem-store.ts';
import { checkObjectKey } from './object-key.ts';
import type { UploadGrant } from './signed-upload.ts';
import { tooLong } from './upload-link.ts';

/** A client that sends nothing for this long is cut off: its connection and its temporary file are worth more. */
const IDLE_TIMEOUT_MS = 60_000;

/**
 * Answers a PUT of an upload link of the file-system store: streams the body to the disk and puts it in the object's
 * place when all of it is there. Expects `request.url` without the mount point, as `serveSignedFile` does, and answers
 * as S3 does: 200, an `ETag`, no body. When it fails nothing is stored, and what is left of the body is still unread.
 *
 * @throws AppError before anything is sent: `not_found` for a bad link, with a detail for one that was good once;
 * `body_too_large`; `invalid_request` for another type or length than the link allows, and for a body that ends early;
 * `storage_unavailable`.
 */
export async function receiveSignedFile(
	store: FilesystemStore,
	request: IncomingMessage,
	response: ServerResponse,
): Promise<void> {
	const grant = grantOf(store, request.url ?? '');
	checkHeaders(request, grant);
	request.setTimeout(IDLE_TIMEOUT_MS);
	await store.receive(grant.key, chunksWithin(request, grant));
	request.setTimeout(0);
	const { etag } = await store.head(grant.key);
	response.writeHead(200, { ETag: etag, 'Content-Length': 0 }).end();
}

function grantOf(store: FilesystemStore, target: string): UploadGrant {
	const [path = '', query = ''] = target.split('?', 2);
	const key = path.replace(/^\//, '');
	const judged = store.verifyUpload(key, new URLSearchParams(query));
	if (judged.verdict !== 'valid') {
		const detail = judged.verdict === 'expired' ? 'the link has expired' : undefined;
		throw new AppError('not_found', { detail });
	}
	checkObjectKey(key);
	return judged.grant;
}

/** Refuses what the headers give away before a byte is read. */
function checkHeaders({ headers }: IncomingMessage, grant: UploadGrant): void {
	const contentType = headers['content-type'] ?? 'none';
	if (contentType !== grant.contentType) {
		throw new AppError('invalid_request', {
			detail: `Content-Type: expected ${grant.contentType}, received ${contentType.slice(0, 80)}`,
		});
	}
	if (headers['content-length'] === undefined) return;
	const announced = Number(headers['content-length']);
	if (announced > grant.maxBytes) throw tooLong(grant.maxBytes);
	if (grant.contentLength !== undefined && announced !== grant.contentLength) {
		throw wrongLength(grant.contentLength, announced);
	}
}

/**
 * The body's chunks, as long as they keep to the link's limits. The request stays open when they do not: to destroy it
 * would close the connection before the client has its answer.
 */
async function* chunksWithin(request: IncomingMessage, grant: UploadGrant): AsyncGenerator<Buffer> {
	const { maxBytes, contentLength } = grant;
	let received = 0;
	const chunks: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false });
	try {
		for await (const chunk of chunks) {
			received += chunk.length;
			if (received > (contentLength ?? maxBytes)) {
				throw contentLength === undefined ? tooLong(maxBytes) : wrongLength(contentLength, 'more');
			}
			yield chunk;
		}
	} catch (error) {
		if (error instanceof AppError) throw error;
		throw new AppError('invalid_request', { detail: 'body: it ended early', retryable: true, cause: error });
	}
	if (contentLength !== undefined && received !== contentLength) throw wrongLength(contentLength, received);
}

function wrongLength(expected: number, received: number | 'more'): AppError {
	return new AppError('invalid_request', {
		detail: `body: expected ${expected} bytes, received ${received}`,
	});
}
