import { randomBytes, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ObjectStore } from '@facet/storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REFUSED_KEYS } from './refused-keys.ts';
import { describeUploads } from './upload-contract.ts';

/** A store under test and what the suite cannot do by itself. */
export interface StoreUnderTest {
	readonly store: ObjectStore;
	/** `Cache-Control` that the store was made with. */
	readonly cacheControl: string;
	/** A store of the same kind that was made all right and whose disk or server is gone now. */
	lost(): Promise<ObjectStore>;
	stop(): Promise<void>;
}

const JPEG = { contentType: 'image/jpeg' };
const UPLOAD = { ...JPEG, expiresInSeconds: 60, maxBytes: 1000 };

/** What every object store must do, whatever its driver. */
export function describeObjectStore(name: string, setup: () => Promise<StoreUnderTest>): void {
	describe(`object store: ${name}`, () => {
		let subject: StoreUnderTest;
		let store: ObjectStore;

		beforeAll(async () => {
			subject = await setup();
			store = subject.store;
		}, 120_000);
		afterAll(async () => {
			await store?.close();
			await subject?.stop();
		});

		/** A key that no other test uses. */
		const newKey = (name = 'a.jpg') => `contract/${randomUUID()}/${name}`;
		const read = async (key: string) => buffer(await store.get(key));
		const missing = expect.objectContaining({ code: 'not_found' });

		describe('put and get', () => {
			it('gives back the bytes', async () => {
				const key = newKey();
				const bytes = randomBytes(300_000);
				await store.put(key, bytes, JPEG);
				expect((await read(key)).equals(bytes)).toBe(true);
			});

			it('stores a part of a larger buffer, not the whole', async () => {
				const key = newKey();
				const whole = new TextEncoder().encode('0123456789');
				await store.put(key, whole.subarray(3, 6), JPEG);
				expect((await read(key)).toString()).toBe('345');
			});

			it('takes a stream of known length', async () => {
				const key = newKey();
				const chunks = Array.from({ length: 40 }, () => randomBytes(16_384));
				const bytes = Buffer.concat(chunks);
				await store.put(key, Readable.from(chunks), { ...JPEG, contentLength: bytes.length });
				expect((await read(key)).equals(bytes)).toBe(true);
			});

			it('takes no bytes at all', async () => {
				const key = newKey();
				await store.put(key, new Uint8Array(0), JPEG);
				expect((await read(key)).length).toBe(0);
				await store.put(key, Readable.from([]), { ...JPEG, contentLength: 0 });
				expect((await read(key)).length).toBe(0);
			});

			it('overwrites', async () => {
				const key = newKey();
				await store.put(key, Buffer.from('a long first version'), JPEG);
				await store.put(key, Buffer.from('second'), JPEG);
				expect((await read(key)).toString()).toBe('second');
			});

			it('says not_found for a missing object and for a folder', async () => {
				const key = newKey('folder/a.jpg');
				await expect(store.get(newKey())).rejects.toEqual(missing);
				await store.put(key, Buffer.from('x'), JPEG);
				await expect(store.get(key.replace('/a.jpg', ''))).rejects.toEqual(missing);
				await expect(store.get(`${key}/below`)).rejects.toEqual(missing);
			});

			it('refuses a media type that the key does not stand for', async () => {
				const refused = expect.objectContaining({ code: 'invalid_request' });
				await expect(store.put(newKey(), Buffer.from('x'), { contentType: 'text/html' })).rejects.toEqual(
					refused,
				);
			});

			it('shows no torn content while one key is written and read side by side', async () => {
				const key = newKey();
				const versions = Array.from({ length: 24 }, (_, index) => Buffer.alloc(100_000 + index, index + 1));
				await store.put(key, Buffer.alloc(100_000, 255), JPEG);
				const writing = Promise.all(versions.map((version) => store.put(key, version, JPEG)));
				for (let look = 0; look < 60; look += 1) {
					const seen = await read(key);
					const first = seen[0] ?? 0;
					expect(seen.equals(Buffer.alloc(first === 255 ? 100_000 : 99_999 + first, first))).toBe(true);
				}
				await writing;
				const final = await read(key);
				expect(versions.some((version) => version.equals(final))).toBe(true);
			});
		});

		describe('a stream that does not end well', () => {
			/** Gives 200 kB of an announced million, then does what the test says. */
			const broken = (ending: () => void) =>
				Readable.from(
					(async function* () {
						yield randomBytes(200_000);
						await sleep(50);
						ending();
					})(),
				);
			const announced = { ...JPEG, contentLength: 1_000_000 };

			it('leaves no object, and rejects with the error of the stream', async () => {
				const key = newKey();
				const fault = new Error('the source went away');
				const stream = broken(() => {
					throw fault;
				});
				await expect(store.put(key, stream, announced)).rejects.toBe(fault);
				await expect(store.get(key)).rejects.toEqual(missing);
			});

			it('leaves the object that was there', async () => {
				const key = newKey();
				await store.put(key, Buffer.from('before'), JPEG);
				const stream = broken(() => {
					throw new Error('the source went away');
				});
				await expect(store.put(key, stream, announced)).rejects.toThrow('the source went away');
				expect((await read(key)).toString()).toBe('before');
			});

			it('is refused when it gives fewer or more bytes than announced', async () => {
				const key = newKey();
				const short = broken(() => {});
				await expect(store.put(key, short, announced)).rejects.toMatchObject({ code: 'internal' });
				const long = Readable.from([randomBytes(10), randomBytes(10)]);
				const tooLong = store.put(key, long, { ...JPEG, contentLength: 15 });
				await expect(tooLong).rejects.toMatchObject({ code: 'internal' });
				await expect(store.get(key)).rejects.toEqual(missing);
			});

			it('is refused and destroyed when no length is given', async () => {
				const stream = Readable.from([randomBytes(10)]);
				await expect(store.put(newKey(), stream, JPEG)).rejects.toThrow(TypeError);
				expect(stream.destroyed).toBe(true);
			});
		});

		describe('delete', () => {
			it('deletes, and does so again without complaint', async () => {
				const key = newKey();
				await store.put(key, Buffer.from('x'), JPEG);
				await store.delete(key);
				await expect(store.get(key)).rejects.toEqual(missing);
				await store.delete(key);
				await store.delete(`${key}/below`);
			});

			it('does not delete a folder that goes by the key', async () => {
				const key = newKey('folder/a.jpg');
				await store.put(key, Buffer.from('x'), JPEG);
				await store.delete(key.replace('/a.jpg', ''));
				expect((await read(key)).toString()).toBe('x');
			});

			it.each(['', '/'])('deletes a folder and nothing beside it, given as "1%s"', async (ending) => {
				const base = `contract/${randomUUID()}`;
				const below = Array.from({ length: 25 }, (_, index) => `${base}/1/${index % 3}/${index}.jpg`);
				const beside = [`${base}/10/a.jpg`, `${base}/1.jpg`];
				await Promise.all([...below, ...beside].map((key) => store.put(key, Buffer.from(key), JPEG)));
				await store.deletePrefix(`${base}/1${ending}`);
				for (const key of below) await expect(store.get(key)).rejects.toEqual(missing);
				for (const key of beside) expect((await read(key)).toString()).toBe(key);
				await store.deletePrefix(`${base}/1${ending}`);
				await store.deletePrefix(beside[1] ?? '');
				expect((await read(`${base}/1.jpg`)).toString()).toBe(`${base}/1.jpg`);
			});
		});

		it.each(REFUSED_KEYS)('refuses the key %j in every method', async (key) => {
			const refused = expect.objectContaining({ code: 'invalid_request' });
			await expect(store.put(key, Buffer.from('x'), JPEG)).rejects.toEqual(refused);
			await expect(store.get(key)).rejects.toEqual(refused);
			await expect(store.head(key)).rejects.toEqual(refused);
			await expect(store.delete(key)).rejects.toEqual(refused);
			await expect(store.uploadUrl(key, UPLOAD)).rejects.toEqual(refused);
			await expect(store.url(key)).rejects.toEqual(refused);
			// A slash at the end is what a prefix may have.
			if (key !== 'a/') await expect(store.deletePrefix(key)).rejects.toEqual(refused);
		});

		describe('links', () => {
			it('give the bytes with their type and cache headers', async () => {
				const key = newKey('face.jpg');
				const bytes = randomBytes(50_000);
				await store.put(key, bytes, JPEG);
				const response = await fetch(await store.url(key));
				expect(response.status).toBe(200);
				expect(response.headers.get('content-type')).toBe('image/jpeg');
				expect(response.headers.get('content-length')).toBe('50000');
				expect(response.headers.get('cache-control')).toBe(subject.cacheControl);
				expect(response.headers.get('etag')).toMatch(/^"[^"]+"$/);
				expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
			});

			it('answer 304 to who has the bytes already', async () => {
				const key = newKey();
				await store.put(key, Buffer.from('first'), JPEG);
				const link = await store.url(key);
				const etag = (await fetch(link)).headers.get('etag') ?? '';
				const again = await fetch(link, { headers: { 'If-None-Match': etag } });
				expect([again.status, await again.text()]).toEqual([304, '']);
				await store.put(key, Buffer.from('other'), JPEG);
				const changed = await fetch(link, { headers: { 'If-None-Match': etag } });
				expect([changed.status, await changed.text()]).toEqual([200, 'other']);
			});

			it('answer 404 for a missing object', async () => {
				const response = await fetch(await store.url(newKey()));
				expect(response.status).toBe(404);
				await response.body?.cancel();
			});

			it('are refused when they are too old', async () => {
				const key = newKey();
				await store.put(key, Buffer.from('secret'), JPEG);
				const link = await store.url(key, { expiresInSeconds: 1 });
				await sleep(2_200);
				const response = await fetch(link);
				expect(response.status).toBeGreaterThanOrEqual(400);
				expect(await response.text()).not.toContain('secret');
			});

			it('are refused when they were changed', async () => {
				const key = newKey();
				const other = newKey();
				await store.put(key, Buffer.from('secret'), JPEG);
				await store.put(other, Buffer.from('secret'), JPEG);
				const link = new URL(await store.url(key));
				const signature = [...link.searchParams.keys()].find((name) => /signature/i.test(name)) ?? '';
				const expires = [...link.searchParams.keys()].find((name) => /expires/i.test(name)) ?? '';
				const changed = [
					link.href.replace(key, other),
					withParameter(link, expires, (value) => String(Number(value) + 60)),
					withParameter(link, signature, (value) => (value.startsWith('a') ? 'b' : 'a') + value.slice(1)),
					withParameter(link, signature, () => ''),
					link.origin + link.pathname,
				];
				for (const href of changed) {
					const response = await fetch(href);
					expect([href, response.status >= 400]).toEqual([href, true]);
					expect(await response.text()).not.toContain('secret');
				}
			});
		});

		describeUploads(() => store);

		describe('check', () => {
			it('resolves while the store works', async () => {
				await store.check();
			});

			it('says storage_unavailable when the store is gone, as every other method does', async () => {
				const lost = await subject.lost();
				const unavailable = expect.objectContaining({
					code: 'storage_unavailable',
					cause: expect.any(Error),
				});
				await expect(lost.check()).rejects.toEqual(unavailable);
				await expect(lost.put('a.jpg', Buffer.from('x'), JPEG)).rejects.toEqual(unavailable);
				const stream = Readable.from([Buffer.from('x')]);
				await expect(lost.put('a.jpg', stream, { ...JPEG, contentLength: 1 })).rejects.toEqual(unavailable);
				expect(stream.destroyed).toBe(true);
				await lost.close();
			});
		});
	});
}

function withParameter(link: URL, name: string, change: (value: string) => string): string {
	const changed = new URL(link);
	changed.searchParams.set(name, change(link.searchParams.get(name) ?? ''));
	return changed.href;
}
