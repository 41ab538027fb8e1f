import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { problemSchema, type Upload, uploadSchema } from '@facet/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Environment, Facet } from '../support/facet.ts';
import { startS3Server } from '../support/s3-server.ts';

const MAX_BYTES = 60_000_000;
const FILE_BYTES = 50_000_000;

describe('uploads', () => {
	let facet: Facet;

	beforeAll(async () => {
		facet = await startApi({ MAX_SOURCE_BYTES: String(MAX_BYTES) });
	});

	afterAll(async () => {
		await facet?.stop();
	});

	it('are sent past the queue, by the request that the API names', async () => {
		const before = Date.now();
		const { upload, headers } = await createUpload(facet, {
			content_length: 300_000,
			content_type: 'Video/MP4',
		});
		expect(headers.get('cache-control')).toBe('no-store');
		expect(upload).toEqual({
			upload_id: expect.stringMatching(/^upl_[\w-]{22}$/),
			method: 'PUT',
			url: expect.stringContaining(`${facet.url}/files/uploads/open/${upload.upload_id}.bin?`),
			headers: { 'Content-Type': 'video/mp4' },
			expires_at: expect.any(String),
			max_bytes: MAX_BYTES,
		});
		const seconds = (Date.parse(upload.expires_at) - before) / 1000;
		expect(seconds).toBeGreaterThanOrEqual(3600);
		expect(seconds).toBeLessThan(3660);
		const response = await put(upload, randomBytes(300_000));
		expect([response.status, await response.text()]).toEqual([200, '']);
		expect(await facet.storedObjects()).toContain(`uploads/open/${upload.upload_id}.bin`);
	});

	it.each<[string, unknown, number, string]>([
		['a file that no job may have', { content_length: MAX_BYTES + 1 }, 413, 'body_too_large'],
		['an empty file', { content_length: 0 }, 400, 'invalid_request'],
		['what is no picture and no video', { content_type: 'text/html' }, 400, 'invalid_request'],
		['what it does not know', { key: 'faces/1.jpg' }, 400, 'invalid_request'],
	])('are not prepared for %s', async (_name, body, status, code) => {
		const response = await post(facet, body);
		expect(response.status).toBe(status);
		expect(problemSchema.parse(await response.json())).toMatchObject({ code, instance: '/v1/uploads' });
	});

	it('answer 405 to another method', async () => {
		const response = await fetch(`${facet.url}/v1/uploads`);
		expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
		await response.body?.cancel();
	});

	describe('leave nothing behind', () => {
		let objects: string[];
		beforeAll(async () => {
			objects = await facet.storedObjects();
		});
		afterEach(async () => {
			expect(await facet.storedObjects()).toEqual(objects);
		});

		it('when the file is too long, and the client has its answer though it sends on', async () => {
			const { upload } = await createUpload(facet);
			const response = await put(upload, file(MAX_BYTES + 1_000_000));
			expect([response.status, response.headers.get('content-type')]).toEqual([
				413,
				'application/problem+json; charset=utf-8',
			]);
			expect(problemSchema.parse(await response.json())).toMatchObject({
				code: 'body_too_large',
				detail: `body: expected at most ${MAX_BYTES} bytes`,
				instance: `/files/uploads/open/${upload.upload_id}.bin`,
			});
		});

		it('when the link is for another upload', async () => {
			const [{ upload }, { upload: other }] = [await createUpload(facet), await createUpload(facet)];
			const url = upload.url.replace(upload.upload_id, other.upload_id);
			const response = await put({ ...upload, url }, randomBytes(1000));
			expect(response.status).toBe(404);
			await response.body?.cancel();
		});

		it('when the client goes away', async () => {
			const { upload } = await createUpload(facet);
			const request = httpRequest(upload.url, { method: 'PUT', headers: upload.headers });
			request.on('error', () => {});
			request.write(randomBytes(1_000_000));
			await waitUntil(async () => (await facet.storedObjects()).length > objects.length);
			request.destroy();
			await waitUntil(async () => (await facet.storedObjects()).length === objects.length);
		});
	});

	it('cut off who sends for ever although it has its answer', async () => {
		const { upload } = await createUpload(facet, { content_length: 1000 });
		const request = httpRequest(upload.url, {
			method: 'PUT',
			headers: { ...upload.headers, 'Transfer-Encoding': 'chunked' },
		});
		request.on('error', () => {});
		const closed = new Promise<void>((resolve) => request.once('close', () => resolve()));
		const answered = once(request, 'response');
		// More than allowed, without an end.
		request.write(randomBytes(2000));
		const [response] = await answered;
		expect(response.statusCode).toBe(400);
		response.resume();
		await closed;
	});

	it('cost no memory: two of 50 MB at once', async () => {
		// The first upload compiles code and fills the pools that the next ones use.
		await put((await createUpload(facet)).upload, file(FILE_BYTES));
		const memory = await watchMemory(facet);
		const uploads = await Promise.all([createUpload(facet), createUpload(facet)]);
		const responses = await Promise.all(uploads.map(({ upload }) => put(upload, file(FILE_BYTES))));
		expect(responses.map(({ status }) => status)).toEqual([200, 200]);
		const grownBytes = await memory.stop();
		// Both in memory would be a hundred.
		expect(grownBytes).toBeLessThan(FILE_BYTES);
	});
});

it('a link expires when it says', async () => {
	const facet = await startApi({ UPLOAD_LINK_TTL_SECONDS: '1' });
	try {
		const { upload } = await createUpload(facet);
		// The clock of links has whole seconds.
		await sleep(Math.max(0, Date.parse(upload.expires_at) + 1000 - Date.now()));
		const response = await put(upload, randomBytes(1000));
		expect(response.status).toBe(404);
		expect(problemSchema.parse(await response.json())).toMatchObject({ detail: 'the link has expired' });
		expect(await facet.storedObjects()).toEqual([]);
	} finally {
		await facet.stop();
	}
});

it('each caller has uploads of its own, and needs its key only to prepare them', async () => {
	const facet = await startApi({ API_KEYS: 'first-key,second-key' });
	try {
		const refused = await post(facet, {});
		expect(refused.status).toBe(401);
		await refused.body?.cancel();
		const folders: string[] = [];
		for (const key of ['first-key', 'second-key']) {
			const { upload } = await createUpload(facet, {}, { authorization: `Bearer ${key}` });
			folders.push(new URL(upload.url).pathname.replace(upload.upload_id, ''));
			expect((await put(upload, randomBytes(1000))).status).toBe(200);
		}
		expect(folders[0]).toMatch(/^\/files\/uploads\/env_[0-9a-f]{12}\/\.bin$/);
		expect(new Set(folders).size).toBe(2);
		expect(facet.logs).not.toMatch(/signature=/);
	} finally {
		await facet.stop();
	}
});

it('go straight to S3', async () => {
	const server = await startS3Server();
	const facet = await startApi({
		STORAGE_DRIVER: 's3',
		S3_ENDPOINT: server.endpoint,
		S3_BUCKET: server.bucket,
		S3_FORCE_PATH_STYLE: String(server.forcePathStyle),
		AWS_REGION: server.region,
		...(server.credentials && {
			AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
			AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
		}),
	});
	try {
		const { upload } = await createUpload(facet, { content_length: 1000 });
		expect(upload.url.startsWith(server.endpoint)).toBe(true);
		const wrong = await put(upload, randomBytes(1001));
		expect(wrong.status).toBe(403);
		await wrong.body?.cancel();
		expect((await put(upload, randomBytes(1000))).status).toBe(200);
	} finally {
		await facet.stop();
		await server.stop();
	}
});

/** No worker: nothing here is looked at. */
function startApi(environment: Environment): Promise<Facet> {
	return Facet.start(inject('redisUrl'), environment, 0);
}

function post(facet: Facet, body: unknown, headers: Environment = {}): Promise<Response> {
	return fetch(`${facet.url}/v1/uploads`, {
		method: 'POST',
		headers: { 'content-type': 'application/json', ...headers },
		body: JSON.stringify(body),
	});
}

async function createUpload(facet: Facet, body: unknown = {}, headers: Environment = {}) {
	const response = await post(facet, body, headers);
	expect(response.status).toBe(201);
	return { upload: uploadSchema.parse(await response.json()), headers: response.headers };
}

function put({ url, method, headers }: Upload, body: RequestInit['body']): Promise<Response> {
	return fetch(url, { method, headers, body: body ?? null, duplex: 'half' });
}

/** A stream of this many bytes, made as it is read. */
function file(bytes: number): ReadableStream {
	const chunk = randomBytes(1_000_000);
	return Readable.toWeb(
		Readable.from(
			(function* () {
				for (let sent = 0; sent < bytes; sent += chunk.length) yield chunk.subarray(0, bytes - sent);
			})(),
		),
	);
}

/** Watches the API's resident memory. @returns `stop`, which tells by how many bytes it grew at most. */
async function watchMemory(facet: Facet): Promise<{ stop(): Promise<number> }> {
	const residentBytes = async () => {
		const text = await (await fetch(`${facet.url}/metrics`)).text();
		return Number(/^process_resident_memory_bytes\S* (\S+)$/m.exec(text)?.[1]);
	};
	const before = await residentBytes();
	let most = before;
	let watching = true;
	const watch = (async () => {
		while (watching) most = Math.max(most, await residentBytes());
	})();
	return {
		async stop() {
			watching = false;
			await watch;
			return most - before;
		},
	};
}

/** Looks until it is so; the limit of the test is the limit. */
async function waitUntil(isSo: () => Promise<boolean>): Promise<void> {
	while (!(await isSo())) await sleep(10);
}
