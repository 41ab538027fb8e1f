import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FilesystemStore, type UploadLink, type UploadUrlOptions } from '@facet/storage';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { filesBelow } from './files-below.ts';
import { serveFiles } from './serve-files.ts';

const OCTETS = { contentType: 'application/octet-stream' };
type Body = NonNullable<RequestInit['body']> | null;

describe('receiveSignedFile', () => {
	let directory: string;
	let served: Awaited<ReturnType<typeof serveFiles>>;
	beforeEach(async () => {
		directory = await mkdtemp(join(tmpdir(), 'facet-store-'));
		served = await serveFiles((publicBaseUrl) =>
			FilesystemStore.open({ directory, publicBaseUrl, linkTtlSeconds: 60 }),
		);
	});
	afterEach(async () => {
		await served.stop();
		await rm(directory, { recursive: true, force: true });
	});

	const uploadUrl = (limits: Partial<UploadUrlOptions> = {}) =>
		served.store.uploadUrl('uploads/open/a.bin', {
			...OCTETS,
			maxBytes: 1_000_000,
			expiresInSeconds: 60,
			...limits,
		});
	/** A body whose length the client does not know, in chunks of 100 kB. */
	const streamed = (chunks: number) =>
		new Response(ReadableStream.from(Array.from({ length: chunks }, () => new Uint8Array(100_000)))).body;
	const put = ({ url, method, headers }: UploadLink, body: Body) =>
		fetch(url, { method, headers, body, duplex: 'half' });

	it('takes a body of unknown length up to the limit', async () => {
		const response = await put(await uploadUrl(), streamed(10));
		expect([response.status, await response.text()]).toEqual([200, '']);
		expect(await served.store.head('uploads/open/a.bin')).toMatchObject({ contentLength: 1_000_000 });
	});

	it.each<[string, () => Body]>([
		['that announces it', () => new Uint8Array(1_000_001)],
		['that does not', () => streamed(11)],
	])('answers 413 to a body %s and is too long, and keeps nothing of it', async (_name, body) => {
		const response = await put(await uploadUrl(), body());
		expect([response.status, await response.text()]).toEqual([413, 'body: expected at most 1000000 bytes']);
		expect(await filesBelow(directory)).toEqual(['.signing-key']);
	});

	it('says what length or type it expected', async () => {
		const upload = await uploadUrl({ contentLength: 200_001 });
		const length = await put(upload, streamed(2));
		expect(await length.text()).toBe('body: expected 200001 bytes, received 200000');
		const more = await put(upload, streamed(3));
		expect(await more.text()).toBe('body: expected 200001 bytes, received more');
		const type = await put({ ...upload, headers: { 'Content-Type': 'text/plain' } }, 'x');
		expect(await type.text()).toBe('Content-Type: expected application/octet-stream, received text/plain');
		expect(await filesBelow(directory)).toEqual(['.signing-key']);
	});

	it('tells an expired link, and only that, from one that was never ours', async () => {
		const expired = await put(await uploadUrl({ expiresInSeconds: -5 }), 'x');
		expect([expired.status, await expired.text()]).toEqual([404, 'the link has expired']);
		const upload = await uploadUrl();
		for (const name of ['../.signing-key', 'uploads/open/b.bin', '.signing-key']) {
			const forged = await put({ ...upload, url: upload.url.replace('uploads/open/a.bin', name) }, 'x');
			expect([forged.status, await forged.text()]).toEqual([404, '']);
		}
		expect(served.failures).toEqual([]);
	});
});
