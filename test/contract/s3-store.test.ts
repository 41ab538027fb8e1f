import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Logger } from '@facet/contracts';
import { S3Store } from '@facet/storage/s3';
import { afterEach, describe, expect, it } from 'vitest';
import { startS3Server } from '../support/s3-server.ts';
import { describeObjectStore } from './object-store-contract.ts';
import { type S3rverOptions, startS3rver } from './s3rver-server.ts';

const JPEG = { contentType: 'image/jpeg' };
const UPLOAD = { contentType: 'video/mp4', expiresInSeconds: 60, maxBytes: 1000 };

describeObjectStore('S3', async () => {
	const { stop, kind, ...connection } = await startS3Server();
	const options = { ...connection, linkTtlSeconds: 60 };
	return {
		store: new S3Store(options, recorder().logger),
		cacheControl: 'private, max-age=86400, immutable',
		lost: async () => {
			const credentials = { accessKeyId: 'nobody', secretAccessKey: 'nothing' };
			const endpoint = `http://127.0.0.1:${await closedPort()}`;
			return new S3Store({ ...options, credentials, endpoint }, recorder().logger);
		},
		stop,
	};
});

describe('S3Store', () => {
	const open: { close(): Promise<void> }[] = [];
	afterEach(async () => {
		for (const one of open.splice(0).reverse()) await one.close();
	});

	async function start(
		overrides: Partial<ConstructorParameters<typeof S3Store>[0]> = {},
		server?: S3rverOptions,
	) {
		const s3 = await startS3rver(server);
		const { endpoint, bucket, credentials } = s3;
		const log = recorder();
		const store = new S3Store(
			{
				region: 'us-east-1',
				endpoint,
				bucket,
				credentials,
				forcePathStyle: true,
				linkTtlSeconds: 60,
				...overrides,
			},
			log.logger,
		);
		open.push({ close: s3.stop }, store);
		return { store, s3, warnings: log.warnings };
	}

	it('tags objects for the lifecycle rule, streams too', async () => {
		const { store, s3, warnings } = await start();
		await store.put('a.jpg', Buffer.from('x'), JPEG);
		await store.put('b.jpg', Readable.from([Buffer.from('y')]), { ...JPEG, contentLength: 1 });
		expect(s3.taggedRequests).toEqual(['facet-expires=true', 'facet-expires=true']);
		expect(warnings).toEqual([]);
	});

	it('goes on without tags where they are refused, with one warning', async () => {
		const { store, s3, warnings } = await start({}, { refuseTags: true });
		await store.put('stream.jpg', Readable.from([Buffer.from('x')]), { ...JPEG, contentLength: 1 });
		await store.put('a.jpg', Buffer.from('y'), JPEG);
		await Promise.all(['b.jpg', 'c.jpg'].map((key) => store.put(key, Buffer.from('z'), JPEG)));
		expect((await buffer(await store.get('stream.jpg'))).toString()).toBe('x');
		expect(s3.taggedRequests.length).toBe(1);
		expect(warnings).toEqual([expect.stringContaining('refuses tags')]);
	});

	it.each([
		['tags', false, ['facet-expires=true']],
		['does without tags for', true, []],
	])('%s uploads, for which the client sends the header', async (_name, refuseTags, tags) => {
		const { store, s3 } = await start({}, { refuseTags });
		const { url, method, headers } = await store.uploadUrl('uploads/a.bin', UPLOAD);
		s3.taggedRequests.splice(0);
		expect((await fetch(url, { method, headers, body: 'x' })).status).toBe(200);
		expect(s3.taggedRequests).toEqual(tags);
		if (refuseTags) return;
		const { 'x-amz-tagging': _, ...untagged } = headers;
		expect((await fetch(url, { method, headers: untagged, body: 'x' })).status).toBe(403);
	});

	it('signs uploads for the address that clients use, and never for a public base', async () => {
		const publicEndpoint = 'https://s3.example';
		const { store } = await start({ publicEndpoint, publicBaseUrl: 'https://cdn.example' });
		const { url } = await store.uploadUrl('uploads/a.bin', UPLOAD);
		expect(url.startsWith(`${publicEndpoint}/`)).toBe(true);
	});

	it('only warns when the store has no lifecycle rules', async () => {
		const { store, warnings } = await start();
		await store.ensureLifecycleRule(604_800);
		expect(warnings).toEqual([expect.stringContaining('could not set the lifecycle rule')]);
	});

	it('links to the public base when there is one', async () => {
		const { store } = await start({ publicBaseUrl: 'https://cdn.example/faces/' });
		expect(await store.url('a/b.jpg')).toBe('https://cdn.example/faces/a/b.jpg');
	});

	it('signs links for the address that clients use', async () => {
		const { store, s3 } = await start();
		// The same server by another name, which a client would resolve differently than we do.
		const publicEndpoint = s3.endpoint.replace('127.0.0.1', 'localhost');
		const { endpoint, bucket, credentials } = s3;
		const outward = new S3Store(
			{
				region: 'us-east-1',
				endpoint,
				publicEndpoint,
				bucket,
				credentials,
				forcePathStyle: true,
				linkTtlSeconds: 60,
			},
			recorder().logger,
		);
		open.push(outward);
		await store.put('a.jpg', Buffer.from('x'), JPEG);
		const link = await outward.url('a.jpg');
		expect(link.startsWith(`${publicEndpoint}/`)).toBe(true);
		expect(await (await fetch(link)).text()).toBe('x');
		const misdirected = await fetch(link.replace(publicEndpoint, endpoint));
		expect(misdirected.status).toBe(403);
	});

	it('cuts the life of a link to the seven days that S3 allows', async () => {
		const { store } = await start({ linkTtlSeconds: 9_000_000 });
		expect(new URL(await store.url('a.jpg')).searchParams.get('X-Amz-Expires')).toBe('604800');
	});

	it.each([
		['a bucket that does not exist', { bucket: 'no-such-bucket' }],
		['wrong credentials', { credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'wrong' } }],
	])('says storage_unavailable for %s', async (_, overrides) => {
		const { store } = await start(overrides);
		const unavailable = expect.objectContaining({ code: 'storage_unavailable' });
		await expect(store.check()).rejects.toEqual(unavailable);
		await expect(store.get('a.jpg')).rejects.toEqual(unavailable);
		await expect(store.deletePrefix('a')).rejects.toEqual(unavailable);
	});

	it('gives up on a server that accepts and never answers', async () => {
		const silent = createServer((socket) => socket.resume());
		await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
		const { port } = silent.address() as AddressInfo;
		const { store } = await start({ endpoint: `http://127.0.0.1:${port}`, requestTimeoutMs: 200 });
		await expect(store.check()).rejects.toMatchObject({ code: 'storage_unavailable' });
		await new Promise((resolve) => silent.close(resolve));
	});

	it('frees its socket when an object is not read', async () => {
		const { store } = await start();
		await store.put('a.mp4', Buffer.alloc(5_000_000), { contentType: 'video/mp4' });
		// More than there are sockets: the last ones would wait for the limit on connecting, and fail.
		for (let look = 0; look < 140; look += 1) (await store.get('a.mp4')).destroy();
		await store.check();
	});
});

/** A logger that keeps what it was warned of. */
function recorder() {
	const warnings: string[] = [];
	const logger: Logger = {
		debug: () => {},
		info: () => {},
		warn: (_fields, message) => warnings.push(message),
		error: (_fields, message) => warnings.push(message),
	};
	return { logger, warnings };
}

/** A port that nobody listens on: it was free a moment ago. */
async function closedPort(): Promise<number> {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address() as AddressInfo;
	await new Promise((resolve) => server.close(resolve));
	return port;
}
