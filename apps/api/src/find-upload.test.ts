import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { FilesystemStore } from '@facet/storage';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findUpload } from './find-upload.ts';
import { storeUpload } from './store-upload.ts';
import { newUploadId, uploadKey } from './upload-key.ts';

const OCTETS = { contentType: 'application/octet-stream' };

let directory: string;
let store: FilesystemStore;

beforeEach(async () => {
	directory = await mkdtemp(join(tmpdir(), 'facet-find-upload-'));
	store = await FilesystemStore.open({ directory, publicBaseUrl: 'http://localhost', linkTtlSeconds: 60 });
});

afterEach(() => rm(directory, { recursive: true }));

it('finds what its owner has sent, by a link or in a form', async () => {
	const uploadId = newUploadId();
	await store.put(uploadKey('env_1', uploadId), Buffer.from('12345'), OCTETS);
	const found = await findUpload({ store, maxBytes: 5 }, 'env_1', uploadId);
	expect(found).toMatchObject({ key: `uploads/env_1/${uploadId}.bin`, bytes: 5 });

	const path = join(directory, 'received');
	await writeFile(path, 'abc');
	const key = await storeUpload(store, 'env_1', { path, bytes: 3, sha256: '' });
	const again = await findUpload({ store, maxBytes: 5 }, 'env_1', basename(key, '.bin'));
	expect(again).toMatchObject({ key, bytes: 3 });
	expect(again.etag).not.toBe(found.etag);
});

it('finds nothing of another caller, nothing that was not sent, and nothing too long', async () => {
	const uploadId = newUploadId();
	await store.put(uploadKey('env_1', uploadId), Buffer.from('123456'), OCTETS);
	const none = expect.objectContaining({
		code: 'invalid_request',
		detail: 'upload_id: expected an upload that was sent and has not expired, found none',
	});
	await expect(findUpload({ store, maxBytes: 6 }, 'env_2', uploadId)).rejects.toEqual(none);
	await expect(findUpload({ store, maxBytes: 6 }, 'env_1', newUploadId())).rejects.toEqual(none);
	await expect(findUpload({ store, maxBytes: 5 }, 'env_1', uploadId)).rejects.toMatchObject({
		code: 'body_too_large',
	});
});
