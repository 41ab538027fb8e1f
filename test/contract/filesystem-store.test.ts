import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { FilesystemStore } from '@facet/storage';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { filesBelow } from './files-below.ts';
import { describeObjectStore } from './object-store-contract.ts';
import { serveFiles } from './serve-files.ts';

const JPEG = { contentType: 'image/jpeg' };
const newDirectory = () => mkdtemp(join(tmpdir(), 'facet-store-'));

describeObjectStore('files', async () => {
	const directory = await newDirectory();
	const served = await serveFiles((publicBaseUrl) =>
		FilesystemStore.open({ directory, publicBaseUrl, linkTtlSeconds: 60 }),
	);
	return {
		store: served.store,
		cacheControl: 'private, max-age=86400, immutable',
		lost: async () => {
			const gone = await newDirectory();
			const store = await open(gone);
			await rm(gone, { recursive: true });
			return store;
		},
		stop: async () => {
			await served.stop();
			await rm(directory, { recursive: true });
		},
	};
});

describe('FilesystemStore', () => {
	let directory: string;
	beforeEach(async () => {
		directory = await newDirectory();
	});
	afterEach(() => rm(directory, { recursive: true, force: true }));

	it('does not come back to life below a mount point that lost its volume', async () => {
		const store = await open(directory);
		await rm(directory, { recursive: true });
		await expect(store.put('faces/a.jpg', Buffer.from('x'), JPEG)).rejects.toMatchObject({
			code: 'storage_unavailable',
		});
		expect(existsSync(directory)).toBe(false);
	});

	it('leaves no temporary file behind, whether a put succeeds or fails', async () => {
		const store = await open(directory);
		await store.put('faces/a.jpg', Buffer.from('x'), JPEG);
		const broken = Readable.from(
			(async function* () {
				yield Buffer.alloc(100_000);
				await turn();
				throw new Error('broken');
			})(),
		);
		await expect(store.put('faces/b.jpg', broken, { ...JPEG, contentLength: 200_000 })).rejects.toThrow(
			'broken',
		);
		await expect(store.put('faces/a.jpg/c.jpg', Buffer.from('x'), JPEG)).rejects.toMatchObject({
			code: 'invalid_request',
		});
		await expect(store.put('faces', Buffer.from('x'), OCTETS)).rejects.toMatchObject({
			code: 'invalid_request',
		});
		await store.check();
		expect(await filesBelow(directory)).toEqual(['.signing-key', 'faces/a.jpg']);
	});

	it('sweeps stale temporary files when it opens, and spares those in the making', async () => {
		await mkdir(join(directory, '.tmp'));
		await age(join(directory, '.tmp', 'stale'), 7_200);
		await age(join(directory, '.tmp', 'young'), 60);
		await open(directory);
		expect(await readdir(join(directory, '.tmp'))).toEqual(['young']);
	});

	it('fails to open where no directory can be', async () => {
		const file = join(directory, 'file');
		await writeFile(file, '');
		await expect(open(join(file, 'store'))).rejects.toMatchObject({ code: 'storage_unavailable' });
	});

	describe('the signing key', () => {
		it('is one for all who open at once, and only its owner reads it', async () => {
			const stores = await Promise.all(Array.from({ length: 20 }, () => open(directory)));
			const expires = String(Math.floor(Date.now() / 1000) + 50);
			const [first] = stores;
			const link = new URL((await first?.url('a.jpg', { expiresInSeconds: 60 })) ?? '');
			const presented = {
				key: 'a.jpg',
				expires: link.searchParams.get('expires'),
				signature: link.searchParams.get('signature'),
			};
			expect(stores.map((store) => store.verify(presented))).toEqual(stores.map(() => 'valid'));
			expect(first?.verify({ ...presented, expires })).toBe('forged');
			expect((await stat(join(directory, '.signing-key'))).mode & 0o777).toBe(0o600);
			expect(await readdir(join(directory, '.tmp'))).toEqual([]);
		});

		it('stays when the store opens again', async () => {
			const link = new URL(await (await open(directory)).url('a.jpg'));
			const again = await open(directory);
			const { expires, signature } = Object.fromEntries(link.searchParams);
			const presented = { key: 'a.jpg', expires: expires ?? null, signature: signature ?? null };
			expect(again.verify(presented)).toBe('valid');
		});

		it('may be given, is not written then, and is refused when it is no secret', async () => {
			const options = { directory, publicBaseUrl: 'http://localhost', linkTtlSeconds: 60 };
			await FilesystemStore.open({ ...options, signingKey: 'k'.repeat(32) });
			expect(await filesBelow(directory)).toEqual([]);
			await expect(FilesystemStore.open({ ...options, signingKey: 'short' })).rejects.toThrow(RangeError);
			await writeFile(join(directory, '.signing-key'), '');
			await expect(open(directory)).rejects.toMatchObject({ code: 'storage_unavailable' });
		});
	});

	describe('sweep', () => {
		it('deletes old objects and empty folders, and spares young ones and its own files', async () => {
			const store = await open(directory);
			for (const key of ['faces/1/old.jpg', 'faces/2/old.jpg', 'faces/2/young.jpg', 'old.jpg']) {
				await store.put(key, Buffer.from('x'), JPEG);
				if (key.endsWith('old.jpg')) await age(join(directory, key), 100);
			}
			await age(join(directory, '.signing-key'), 100, await readFile(join(directory, '.signing-key')));
			expect(await store.sweep(50)).toBe(3);
			expect(await filesBelow(directory)).toEqual(['.signing-key', 'faces/2/young.jpg']);
			expect(existsSync(join(directory, 'faces/1'))).toBe(false);
			await store.put('faces/1/again.jpg', Buffer.from('x'), JPEG);
			expect(existsSync(join(directory, '.tmp'))).toBe(true);
		});

		it('stands other sweeps, deletions and puts at the same time', async () => {
			const store = await open(directory);
			const keys = Array.from({ length: 300 }, (_, index) => `faces/${index % 10}/${index}.jpg`);
			for (const key of keys) await store.put(key, Buffer.from('x'), JPEG);
			await Promise.all(keys.map((key) => age(join(directory, key), 100)));
			const fresh = Array.from({ length: 300 }, (_, index) => `faces/${index % 10}/new-${index}.jpg`);
			const swept = Promise.all(Array.from({ length: 4 }, () => store.sweep(50)));
			await Promise.all([
				swept,
				...keys.slice(0, 100).map((key) => store.delete(key)),
				...fresh.map((key) => store.put(key, Buffer.from('y'), JPEG)),
			]);
			expect((await swept).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(200);
			expect(await filesBelow(directory)).toEqual(['.signing-key', ...fresh].sort());
			for (const key of fresh) expect((await buffer(await store.get(key))).toString()).toBe('y');
		});
	});

	it('puts into folders that sweeps are about to remove because they are empty', async () => {
		const store = await open(directory);
		let putting = true;
		const sweeping = Promise.all(
			Array.from({ length: 3 }, async () => {
				while (putting) await store.sweep(50);
			}),
		);
		for (let round = 0; round < 300; round += 1) {
			const key = `faces/${round % 3}/deep/a.jpg`;
			await store.put(key, Buffer.from('x'), JPEG);
			await store.delete(key);
		}
		putting = false;
		await sweeping;
	});

	describe('serveSignedFile', () => {
		it('answers HEAD without the bytes, and keeps browsers from guessing', async () => {
			const { store, stop } = await serveFiles((publicBaseUrl) =>
				FilesystemStore.open({ directory, publicBaseUrl, linkTtlSeconds: 60 }),
			);
			await store.put('inputs/a', Buffer.from('<script>'), OCTETS);
			const response = await fetch(await store.url('inputs/a'), { method: 'HEAD' });
			expect(Object.fromEntries(response.headers)).toMatchObject({
				'content-length': '8',
				'content-type': 'application/octet-stream',
				'x-content-type-options': 'nosniff',
				'content-security-policy': "default-src 'none'; sandbox",
			});
			expect(await response.text()).toBe('');
			expect((await fetch(await store.url('inputs/a'), { method: 'POST' })).status).toBe(405);
			await stop();
		});

		it('tells an expired link, and only that, from an unknown object', async () => {
			const { store, stop } = await serveFiles((publicBaseUrl) =>
				FilesystemStore.open({ directory, publicBaseUrl, linkTtlSeconds: 60 }),
			);
			await store.put('a.jpg', Buffer.from('x'), JPEG);
			const expired = await fetch(await store.url('a.jpg', { expiresInSeconds: -5 }));
			expect([expired.status, await expired.text()]).toEqual([404, 'the link has expired']);
			const forged = (await store.url('a.jpg')).replace('a.jpg', '../.signing-key');
			const unknown = await fetch(forged);
			expect([unknown.status, await unknown.text()]).toEqual([404, '']);
			await stop();
		});

		it('survives clients that go away in the middle', async () => {
			const { store, stop, failures } = await serveFiles((publicBaseUrl) =>
				FilesystemStore.open({ directory, publicBaseUrl, linkTtlSeconds: 60 }),
			);
			await store.put('a.mp4', Buffer.alloc(20_000_000), { contentType: 'video/mp4' });
			for (let client = 0; client < 5; client += 1) {
				const response = await fetch(await store.url('a.mp4'));
				await response.body?.cancel();
			}
			await stop();
			expect(failures).toEqual([]);
		});
	});
});

const OCTETS = { contentType: 'application/octet-stream' };

function open(directory: string): Promise<FilesystemStore> {
	return FilesystemStore.open({ directory, publicBaseUrl: 'http://localhost', linkTtlSeconds: 60 });
}

/** Writes a file that looks this many seconds old. */
async function age(path: string, seconds: number, content: string | Buffer = randomUUID()): Promise<void> {
	await writeFile(path, content);
	const then = Date.now() / 1000 - seconds;
	await utimes(path, then, then);
}
