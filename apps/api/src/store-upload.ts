import { createReadStream } from 'node:fs';
import type { ObjectStore } from '@facet/storage';
import type { ReceivedFile } from './receive-file.ts';
import { newUploadId, uploadKey } from './upload-key.ts';

/**
 * Puts a received file into the store, as an upload of this caller; the file stays.
 *
 * @param owner - id of the caller.
 * @returns the object's key.
 * @throws AppError `storage_unavailable`.
 */
export async function storeUpload(
	store: ObjectStore,
	owner: string,
	{ path, bytes }: ReceivedFile,
): Promise<string> {
	const key = uploadKey(owner, newUploadId());
	await store.put(key, createReadStream(path), {
		contentType: 'application/octet-stream',
		contentLength: bytes,
	});
	return key;
}
