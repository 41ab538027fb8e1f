import { randomBytes, randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ObjectStore, UploadLink, UploadUrlOptions } from '@facet/storage';
import { describe, expect, it } from 'vitest';

const LIMITS = { contentType: 'video/mp4', expiresInSeconds: 60, maxBytes: 1_000_000 };

/** What the upload links of every object store must do; a part of the suite of `describeObjectStore`. */
export function describeUploads(storeUnderTest: () => ObjectStore): void {
	const newKey = () => `uploads/${randomUUID()}/upl_1.bin`;
	const read = async (key: string) => buffer(await storeUnderTest().get(key));
	const missing = expect.objectContaining({ code: 'not_found' });
	const link = (key: string, limits: Partial<UploadUrlOptions> = {}) =>
		storeUnderTest().uploadUrl(key, { ...LIMITS, ...limits });

	describe('head', () => {
		it('gives the length and the validator of an object', async () => {
			const store = storeUnderTest();
			const key = newKey();
			await store.put(key, Buffer.from('12345'), { contentType: 'application/octet-stream' });
			expect(await store.head(key)).toEqual({
				contentLength: 5,
				etag: expect.stringMatching(/^"[^"]+"$/),
			});
		});

		it('says not_found for a missing object and for a folder', async () => {
			const store = storeUnderTest();
			const key = newKey();
			await expect(store.head(key)).rejects.toEqual(missing);
			await store.put(key, Buffer.from('x'), { contentType: 'application/octet-stream' });
			await expect(store.head(key.replace('/upl_1.bin', ''))).rejects.toEqual(missing);
			await expect(store.head(`${key}/below`)).rejects.toEqual(missing);
		});
	});

	describe('upload links', () => {
		it('take the bytes, with an ETag for an answer', async () => {
			const key = newKey();
			const bytes = randomBytes(300_000);
			const response = await put(await link(key), bytes);
			expect([response.status, await response.text()]).toEqual([200, '']);
			expect(response.headers.get('etag')).toBe((await storeUnderTest().head(key)).etag);
			expect((await read(key)).equals(bytes)).toBe(true);
		});

		it('take no bytes at all, and replace what was there', async () => {
			const key = newKey();
			const upload = await link(key);
			for (const content of ['first', 'second', '']) {
				expect((await put(upload, Buffer.from(content))).status).toBe(200);
				expect((await read(key)).toString()).toBe(content);
			}
		});

		it('take the length that was signed, and no other', async () => {
			const key = newKey();
			const upload = await link(key, { contentLength: 1000 });
			for (const length of [999, 1001, 0]) {
				const refused = await put(upload, Buffer.alloc(length));
				expect([length, refused.status >= 400 && refused.status < 500]).toEqual([length, true]);
				await refused.body?.cancel();
			}
			await expect(storeUnderTest().head(key)).rejects.toEqual(missing);
			expect((await put(upload, Buffer.alloc(1000))).status).toBe(200);
		});

		it('take another type no more than another key, method, time or signature', async () => {
			const key = newKey();
			const other = newKey();
			const store = storeUnderTest();
			const upload = await link(key);
			const changedQuery = [...new URL(upload.url).searchParams.keys()]
				.filter((name) => name !== 'x-id')
				.map((name) => ({ ...upload, url: changed(upload.url, name) }));
			const refused: [string, UploadLink, string?][] = [
				['another type', { ...upload, headers: { ...upload.headers, 'Content-Type': 'text/html' } }],
				['another key', { ...upload, url: upload.url.replace(key, other) }],
				['a link for reading', { ...upload, url: await store.url(key) }],
				['POST', upload, 'POST'],
				['DELETE', upload, 'DELETE'],
				...changedQuery.map((one): [string, UploadLink] => [one.url, one]),
				['no query', { ...upload, url: new URL(upload.url).origin + new URL(upload.url).pathname }],
			];
			expect(changedQuery.length).toBeGreaterThanOrEqual(4);
			for (const [name, attempt, method] of refused) {
				const response = await put(attempt, Buffer.from('x'), method);
				expect([name, response.status >= 400 && response.status < 500]).toEqual([name, true]);
				await response.body?.cancel();
			}
			await expect(store.head(key)).rejects.toEqual(missing);
			await expect(store.head(other)).rejects.toEqual(missing);
		});

		it('give nothing to read', async () => {
			const key = newKey();
			const upload = await link(key);
			await put(upload, Buffer.from('secret'));
			const response = await fetch(upload.url);
			expect(response.status).toBeGreaterThanOrEqual(400);
			expect(await response.text()).not.toContain('secret');
		});

		it('are refused when they are too old', async () => {
			const key = newKey();
			const upload = await link(key, { expiresInSeconds: 1 });
			// The links' clock has whole seconds.
			await sleep(2_200);
			const response = await put(upload, Buffer.from('x'));
			expect(response.status).toBeGreaterThanOrEqual(400);
			await response.body?.cancel();
			await expect(storeUnderTest().head(key)).rejects.toEqual(missing);
		});

		it('leave nothing of a body that ends early, and what was there before', async () => {
			const key = newKey();
			const upload = await link(key);
			await putHalf(upload);
			await expect(storeUnderTest().head(key)).rejects.toEqual(missing);
			await put(upload, Buffer.from('before'));
			await putHalf(upload);
			expect((await read(key)).toString()).toBe('before');
		});

		it('are not made for a body that is too long, nor for what is no picture and no video', async () => {
			const tooLarge = expect.objectContaining({ code: 'body_too_large' });
			await expect(link(newKey(), { contentLength: 1_000_001 })).rejects.toEqual(tooLarge);
			const refused = expect.objectContaining({ code: 'invalid_request' });
			for (const contentType of ['text/html', 'image/svg+xml', 'video/mp4\n', 'video/mp4; a=b', '']) {
				await expect(link(newKey(), { contentType })).rejects.toEqual(refused);
			}
			for (const contentLength of [-1, 1.5, Number.NaN]) {
				await expect(link(newKey(), { contentLength })).rejects.toEqual(refused);
			}
		});
	});
}

function put(upload: UploadLink, body: Uint8Array<ArrayBuffer>, method: string = upload.method) {
	return fetch(upload.url, { method, headers: upload.headers, body });
}

/** Announces 200 kB, sends a half, and is gone. */
async function putHalf({ url, method, headers }: UploadLink): Promise<void> {
	const request = httpRequest(url, { method, headers: { ...headers, 'Content-Length': 200_000 } });
	request.on('error', () => {});
	await new Promise<void>((resolve, reject) =>
		request.write(Buffer.alloc(100_000), (error) => (error ? reject(error) : resolve())),
	);
	await new Promise<void>((resolve) => request.once('close', () => resolve()).destroy());
}

/** The URL with another value of a parameter, of the same kind: a digit for a digit, a letter for a letter. */
function changed(url: string, name: string): string {
	const copy = new URL(url);
	const value = copy.searchParams.get(name) ?? '';
	copy.searchParams.set(name, (/^\d/.test(value) ? '1' : value.startsWith('a') ? 'b' : 'a') + value.slice(1));
	return copy.href === url ? `${url}0` : copy.href;
}
