import {
	type BatchItem,
	FacetClient,
	FacetError,
	type Job,
	type JobEvent,
	verifyWebhook,
	WebhookVerificationError,
} from '@facet/client';
import { generateWebhookSecret, signWebhook } from '@facet/webhooks';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Facet } from '../support/facet.ts';
import { startHttpServer } from '../support/http-server.ts';
import { PhotoServer } from '../support/photo-server.ts';
import { samplePhoto } from '../support/sample-photos.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

let facet: Facet;
let photos: PhotoServer;
let client: FacetClient;
let apiKey: string;
let secret: string;

beforeAll(async () => {
	[facet, photos] = await Promise.all([
		Facet.start(inject('redisUrl'), { REQUIRE_API_KEY: 'true' }),
		PhotoServer.start(),
	]);
	const { key, record } = await facet.callers.create('Client');
	apiKey = key;
	secret = record.webhookSecrets[0]?.secret ?? '';
	client = new FacetClient({ baseUrl: facet.url, apiKey });
});

afterAll(async () => {
	await photos?.close();
	await facet?.stop();
});

/** A client whose connections break: of the bodies of the first answers to these paths it reads one chunk. */
function brittleClient(path: RegExp, breaks: number): FacetClient {
	let left = breaks;
	return new FacetClient({
		baseUrl: facet.url,
		apiKey,
		fetch: async (request) => {
			const response = await fetch(request);
			if (!path.test(request.url) || response.body === null || left-- <= 0) return response;
			const reader = response.body.getReader();
			let chunks = 0;
			const body = new ReadableStream<Uint8Array>({
				async pull(controller) {
					if (chunks++ > 0) {
						await reader.cancel();
						controller.error(new TypeError('terminated'));
						return;
					}
					controller.enqueue((await reader.read()).value);
				},
			});
			return new Response(body, { status: response.status, headers: response.headers });
		},
	});
}

describe('detectFaces', () => {
	it('answers the faces', async () => {
		const { error_code, faces_obj } = await client.detectFaces({ url: `${photos.url}/photo/1.jpg` });
		expect([error_code, Object.keys(faces_obj), faces_obj['0']?.region.length]).toEqual([0, ['0'], 3]);
	});

	it('throws what the service says', async () => {
		await expect(client.detectFaces({ url: `${photos.url}/nothing.jpg` })).rejects.toMatchObject({
			name: 'FacetError',
			message: 'Failed to download media from URL: the server answered 404',
			status: 400,
			code: 'download_failed',
			retryable: false,
			jobId: expect.any(String),
			requestId: expect.any(String),
		});
	});

	it('says that a key is wrong', async () => {
		const stranger = new FacetClient({ baseUrl: facet.url, apiKey: 'wrong' });
		await expect(stranger.detectFaces({ url: photos.url })).rejects.toMatchObject({ code: 'unauthorized' });
		await expect(stranger.jobs.list()).rejects.toBeInstanceOf(FacetError);
	});
});

describe('jobs', () => {
	it('are made, waited for, listed and deleted', async () => {
		const url = `${photos.url}/photo/2.jpg`;
		const created = await client.jobs.create({ url, tag: 'mine', include: ['scores'] });
		expect(['queued', 'processing', 'succeeded']).toContain(created.status);
		const job = await client.jobs.wait(created.id, { signal: AbortSignal.timeout(30_000) });
		expect([job.id, job.status]).toEqual([created.id, 'succeeded']);
		const frame = job.result?.faces_obj['0'];
		expect(frame?.scores).toHaveLength(frame?.region.length ?? -1);
		expect((await client.jobs.list({ tag: 'mine' })).data.map(({ id }) => id)).toEqual([job.id]);
		expect(await client.jobs.deliveries(job.id)).toEqual([]);
		await expect(client.jobs.cancel(job.id)).rejects.toMatchObject({ status: 409, code: 'conflict' });
		await client.jobs.delete(job.id);
		await expect(client.jobs.get(job.id)).rejects.toMatchObject({ status: 404, code: 'not_found' });
	});

	it('take files', async () => {
		const file = new Blob([await samplePhoto(1)]);
		const job = await client.jobs.create(
			{ file, single_face: true, include: ['quality'] },
			{ waitSeconds: 30 },
		);
		expect([job.status, job.include]).toEqual(['succeeded', ['quality']]);
		expect(job.result?.faces_obj['0']?.region).toHaveLength(1);
	});

	it('take uploads', async () => {
		const photo = await samplePhoto(2);
		const upload = await client.uploads.create({ content_length: photo.length, content_type: 'image/jpeg' });
		await client.uploads.put(upload, new Blob([photo]));
		const job = await client.jobs.create({ upload_id: upload.upload_id }, { waitSeconds: 30 });
		expect(job).toMatchObject({ status: 'succeeded', result: { media: { bytes: photo.length } } });
	});

	it('are made once for one idempotency key', async () => {
		const request = { url: `${photos.url}/photo/3.jpg` };
		const jobs = await Promise.all(
			['key-1', 'key-1', undefined].map((idempotencyKey) =>
				client.jobs.create(request, idempotencyKey === undefined ? {} : { idempotencyKey }),
			),
		);
		const [first, second, third] = jobs.map(({ id }) => id);
		expect(second).toBe(first);
		expect(third).not.toBe(first);
		const other = client.jobs.create({ url: `${photos.url}/photo/4.jpg` }, { idempotencyKey: 'key-1' });
		await expect(other).rejects.toMatchObject({ status: 422, code: 'idempotency_mismatch' });
	});

	it('name every fault of a request', async () => {
		const request = { url: photos.url, num_frames: 0, include: ['everything'] };
		const error: unknown = await client.jobs
			// @ts-expect-error: what a program without types may send.
			.create(request)
			.catch((thrown: unknown) => thrown);
		expect(error).toBeInstanceOf(FacetError);
		expect((error as FacetError).faults.map(({ pointer }) => pointer)).toEqual(['/num_frames', '/include/0']);
	});

	it('are canceled, and followed to their ends', async () => {
		const { id } = await client.jobs.create({ url: `${photos.url}/held/1.jpg` });
		const followed: JobEvent[] = [];
		const following = (async () => {
			for await (const event of client.jobs.events(id)) followed.push(event);
		})();
		await photos.arrived(1);
		expect((await client.jobs.cancel(id)).status).toBe('canceled');
		await following;
		expect(followed.at(-1)).toMatchObject({ type: 'status', data: { id, status: 'canceled' } });
		expect((await client.jobs.wait(id)).error?.code).toBe('canceled');
	});

	it('are followed behind the last event when the connection breaks', async () => {
		const { id } = await client.jobs.create({ url: `${photos.url}/held/2.jpg` });
		const followed: JobEvent[] = [];
		for await (const event of brittleClient(/events$/, 2).jobs.events(id)) {
			followed.push(event);
			if (followed.length === 1) {
				await photos.arrived(2);
				await client.jobs.cancel(id);
			}
		}
		const ids = followed.map((event) => event.id);
		expect(new Set(ids).size).toBe(ids.length);
		expect(followed.at(-1)).toMatchObject({ type: 'status', data: { status: 'canceled' } });
	});

	it('are not waited for when the caller has had enough', async () => {
		const { id } = await client.jobs.create({ url: `${photos.url}/held/3.jpg` });
		const waiting = client.jobs.wait(id, { signal: AbortSignal.timeout(200) });
		await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' });
		await client.jobs.delete(id);
	});
});

describe('batches', () => {
	const itemsOf = (count: number): BatchItem[] =>
		Array.from({ length: count }, (_, index) => ({ url: `${photos.url}/photo/${index}.jpg` }));

	it('are made of a list, waited for, and read', async () => {
		const items = [...itemsOf(4), { url: `${photos.url}/nothing.jpg`, tag: 'odd' }];
		const created = await client.batches.create({ items, tag: 'list' });
		expect([created.total, created.tag]).toEqual([5, 'list']);
		const batch = await client.batches.wait(created.id, { intervalMs: 200 });
		expect([batch.status, batch.counts.succeeded, batch.counts.failed]).toEqual(['completed', 4, 1]);
		const jobs: (Job | null)[] = [];
		for await (const { job } of client.batches.results(batch.id)) jobs.push(job);
		expect(jobs.map((job) => job?.tag)).toEqual(['list', 'list', 'list', 'list', 'odd']);
		expect(jobs.at(-1)?.error?.code).toBe('download_failed');
		expect((await client.batches.list()).data.map(({ id }) => id)).toContain(batch.id);
		expect(await client.batches.deliveries(batch.id)).toEqual([]);
		await client.batches.delete(batch.id);
		await expect(client.batches.get(batch.id)).rejects.toMatchObject({ code: 'not_found' });
	});

	it('are made of items as they come, and read behind the last line when the connection breaks', async () => {
		async function* items() {
			yield* itemsOf(150);
		}
		const { id } = await client.batches.create({ items: items(), single_face: true });
		const indexes: number[] = [];
		// They need not have ended to be read.
		for await (const { index } of brittleClient(/results/, 1).batches.results(id)) indexes.push(index);
		expect(indexes).toEqual(Array.from({ length: 150 }, (_, index) => index));
		await client.batches.delete(id);
	});

	it('are refused with every faulty line', async () => {
		const items = [{ url: 'no URL' }, ...itemsOf(1), { url: photos.url, num_frames: 1000 }];
		await expect(client.batches.create({ items })).rejects.toMatchObject({
			code: 'invalid_request',
			faults: [{ line: 2 }, { line: 4, pointer: '/num_frames' }],
		});
	});

	it('are canceled', async () => {
		const { id } = await client.batches.create({ items: [{ url: `${photos.url}/held/4.jpg` }] });
		await client.batches.cancel(id);
		const batch = await client.batches.wait(id, { intervalMs: 100 });
		expect([batch.status, batch.counts.canceled]).toEqual(['canceled', 1]);
	});
});

describe('webhooks', () => {
	it('are sent as a test, again on demand, and verified', async () => {
		const receiver = await WebhookReceiver.start(secret);
		try {
			const delivery = await client.webhooks.test(receiver.url);
			expect([delivery.event, delivery.status]).toEqual(['webhook.test', 'delivered']);
			await client.webhooks.replay(delivery.id);
			const [first, second] = await receiver.got(2);
			expect(second?.id).toBe(first?.id);
		} finally {
			await receiver.close();
		}
	});

	it('are verified as they come in', async () => {
		const events: Promise<unknown>[] = [];
		const server = await startHttpServer((request, response) => {
			const chunks: Buffer[] = [];
			request.on('data', (chunk: Buffer) => chunks.push(chunk));
			request.on('end', () => {
				const body = Buffer.concat(chunks);
				events.push(verifyWebhook({ headers: request.headers, body, secrets: [secret] }));
				response.writeHead(204).end();
			});
		});
		try {
			await client.webhooks.test(`${server.url}/hook`);
			expect(await Promise.all(events)).toMatchObject([{ type: 'webhook.test' }]);
		} finally {
			await server.close();
		}
	});

	describe('verifyWebhook', () => {
		const nowMs = Date.parse('2026-01-31T09:30:00Z');
		const secrets = [generateWebhookSecret(), generateWebhookSecret()];
		const body = JSON.stringify({ type: 'webhook.test', timestamp: '2026-01-31T09:30:00Z', data: {} });
		const message = { id: 'msg_1', timestampSeconds: nowMs / 1000, body };

		it.each([0, 1])('takes either secret while they are rotated: %i', async (index) => {
			const headers = new Headers({ ...signWebhook(message, secrets) });
			const event = await verifyWebhook({ headers, body, secrets: secrets.slice(index, index + 1), nowMs });
			expect(event.type).toBe('webhook.test');
		});

		it.each<[string, Partial<Parameters<typeof verifyWebhook>[0]>]>([
			['another body', { body: body.replace('test', 'best') }],
			['another secret', { secrets: [generateWebhookSecret()] }],
			['no secret', { secrets: [] }],
			['an old message', { nowMs: nowMs + 301_000 }],
			['a message of the future', { nowMs: nowMs - 301_000 }],
			['no headers', { headers: {} }],
			['a time that is none', { headers: { ...signWebhook(message, secrets), 'webhook-timestamp': 'now' } }],
			[
				'a signature that is none',
				{ headers: { ...signWebhook(message, secrets), 'webhook-signature': 'v1,é' } },
			],
		])('refuses %s', async (_name, changed) => {
			const given = { headers: { ...signWebhook(message, secrets) }, body, secrets, nowMs, ...changed };
			await expect(verifyWebhook(given)).rejects.toBeInstanceOf(WebhookVerificationError);
		});

		it('says that a secret is none', async () => {
			const headers = { ...signWebhook(message, secrets) };
			await expect(verifyWebhook({ headers, body, secrets: ['secret'], nowMs })).rejects.toThrow(TypeError);
		});
	});
});
