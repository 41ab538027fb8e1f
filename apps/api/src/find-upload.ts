import { AppError } from '@facet/contracts';
import type { ObjectStore } from '@facet/storage';
import { uploadKey } from './upload-key.ts';

export interface FoundUpload {
	readonly key: string;
	readonly bytes: number;
	/** Tells these bytes from others that came over the same link. */
	readonly etag: string;
}

export interface FindUploadOptions {
	readonly store: ObjectStore;
	/** Largest file of a job: S3 holds an upload to it only when its length was known. */
	readonly maxBytes: number;
}

/**
 * The upload that a caller names in a job.
 *
 * @throws AppError `invalid_request` when there is none of this id and owner: never made, not sent yet, or expired;
 * `body_too_large`; `storage_unavailable`.
 */
export async function findUpload(
	{ store, maxBytes }: FindUploadOptions,
	owner: string,
	uploadId: string,
): Promise<FoundUpload> {
	const key = uploadKey(owner, uploadId);
	const { contentLength, etag } = await store.head(key).catch((error: unknown) => {
		if (!(error instanceof AppError) || error.code !== 'not_found') throw error;
		const detail = 'upload_id: expected an upload that was sent and has not expired, found none';
		throw new AppError('invalid_request', { detail, cause: error });
	});
	if (contentLength > maxBytes) {
		const detail = `upload_id: expected at most ${maxBytes} bytes, found ${contentLength}`;
		throw new AppError('body_too_large', { detail });
	}
	return { key, bytes: contentLength, etag };
}
