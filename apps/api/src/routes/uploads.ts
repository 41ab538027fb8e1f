import { parseUploadRequest, type Upload } from '@facet/contracts';
import type { ObjectStore } from '@facet/storage';
import type { RequestHandler } from 'express';
import { callerOf } from '../middleware/caller.ts';
import { newUploadId, uploadKey } from '../upload-key.ts';

export interface CreateUploadOptions {
	readonly store: ObjectStore;
	/** Largest file, in bytes. */
	readonly maxBytes: number;
	/** How long an upload may wait to begin, in seconds. */
	readonly linkTtlSeconds: number;
}

/** `POST /v1/uploads`: a link over which the caller sends a file past our queue, and the id under which jobs find it. */
export function createUpload({ store, maxBytes, linkTtlSeconds }: CreateUploadOptions): RequestHandler {
	return async (request, response) => {
		const { content_length, content_type = 'application/octet-stream' } = parseUploadRequest(request.body);
		const uploadId = newUploadId();
		const expiresAt = new Date(Date.now() + linkTtlSeconds * 1000);
		const { method, url, headers } = await store.uploadUrl(uploadKey(callerOf(request).id, uploadId), {
			expiresInSeconds: linkTtlSeconds,
			contentType: content_type.toLowerCase(),
			maxBytes,
			...(content_length === undefined ? {} : { contentLength: content_length }),
		});
		const upload: Upload = {
			upload_id: uploadId,
			method,
			url,
			headers,
			expires_at: expiresAt.toISOString(),
			max_bytes: maxBytes,
		};
		// The link is a secret for as long as it lives.
		response.setHeader('Cache-Control', 'no-store');
		response.status(201).json(upload);
	};
}
