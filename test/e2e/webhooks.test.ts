import { randomUUID } from 'node:crypto';
import type { Delivery, DetectJobInput, DetectResult, Logger, WebhookTarget } from '@facet/contracts';
import { connectProducer, JobIndex, JobProducer, Queues, ResultStore } from '@facet/queue';
import { generateWebhookSecret } from '@facet/webhooks';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Environment, Facet } from '../support/facet.ts';
import { freePort } from '../support/free-port.ts';
import { startHttpServer } from '../support/http-server.ts';
import { samplePhoto } from '../support/sample-photos.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

const logger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const [secret, oldSecret] = [generateWebhookSecret(), generateWebhookSecret()];
const options = { numFrames: 5, returnFaceUrl: false, singleFace: false };
const cleanUp: (() => Promise<unknown> | unknown)[] = [];

async function cleanAll(): Promise<void> {
	for (const step of cleanUp.splice(0).reverse()) await step();
}

async function receiver(
	...args: Parameters<typeof WebhookReceiver.start> extends [string, ...infer Rest] ? Rest : never
) {
	const started = await WebhookReceiver.start(secret, ...args);
	cleanUp.push(() => started.close());
	return started;
}

/** Of a delivery, and of a problem. */
interface PostAnswer {
	readonly id: string;
	readonly status: string | number;
	readonly detail: string;
}

/** A Facet with what tests of webhooks need: secrets, a quick schedule, and a way past the API into its Redis. */
async function startFacet(environment: Environment = {}, workers = 1) {
	const port = await freePort();
	const facet = await Facet.start(
		inject('redisUrl'),
		{
			API_PORT: String(port),
			WEBHOOK_SECRET: `${secret},${oldSecret}`,
			WEBHOOK_RETRY_SCHEDULE: '0s,100ms,200ms,300ms,400ms,500ms',
			WEBHOOK_TIMEOUT_MS: '1000',
			...environment,
		},
		workers,
	);
	const redis = connectProducer(inject('redisUrl'), logger);
	await new Promise((resolve) => redis.once('ready', resolve));
	const queues = new Queues({ redis, prefix: facet.prefix, logger });
	const producer = new JobProducer({ queues, attempts: 1, keepSeconds: 60 });
	const results = new ResultStore(redis, { prefix: facet.prefix, ttlSeconds: 600 });
	const index = new JobIndex(redis, { prefix: facet.prefix, ttlSeconds: 600 });
	return {
		facet,
		results,
		stop: async () => {
			await facet.stop();
			await queues.close();
			redis.disconnect();
		},
		/** Adds a job that a worker runs. */
		submit: async (source: DetectJobInput['source'], webhook: WebhookTarget) => {
			const jobId = randomUUID();
			await index.add([{ id: jobId, owner: 'open', createdAt: Date.now() }]);
			await producer.add('detect', jobId, { source, options, webhook });
			return jobId;
		},
		/** Ends a job as a worker does that dies in the same moment: the outcome is stored, and nothing else is done. */
		endJob: async (webhook: WebhookTarget, result: DetectResult = emptyResult, owner = 'open') => {
			const jobId = randomUUID();
			const [createdAt, finishedAt] = [Date.now() - 1000, Date.now()];
			const job = { owner, webhook, createdAt, startedAt: createdAt, finishedAt, attempts: 1 };
			await index.add([{ id: jobId, owner, createdAt }]);
			await results.finish(jobId, { status: 'succeeded', result, job });
			return jobId;
		},
		deliveries: async (jobId: string): Promise<Delivery[]> => {
			const response = await fetch(`${facet.url}/v1/jobs/${jobId}/deliveries`);
			expect(response.status).toBe(200);
			const { data } = (await response.json()) as { data: Delivery[] };
			return data;
		},
		post: async (path: string, body?: object) => {
			const response = await fetch(facet.url + path, {
				method: 'POST',
				...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
			});
			// Tests assert on the body itself; the type names the fields.
			const answer = (await response.json()) as PostAnswer;
			return { status: response.status, body: answer };
		},
	};
}

type Service = Awaited<ReturnType<typeof startFacet>>;

const emptyResult: DetectResult = {
	options,
	media: { kind: 'image', format: 'jpeg', width: 4, height: 3, orientation: 1, bytes: 9 },
	model: 'test',
	frames: [{ index: 0, timestampMs: null, faces: [], removed: [] }],
	persons: [],
	timings: { fetch: 1, decode: 1, detect: 1, crop: 0, upload: 0 },
};

/** More than fits into a message. */
const largeResult: DetectResult = {
	...emptyResult,
	frames: Array.from({ length: 100 }, (_, index) => ({
		index,
		timestampMs: index * 40,
		faces: [],
		removed: Array.from({ length: 20 }, (_, face) => ({ x: face * 50, y: 100, width: 40, height: 40 })),
	})),
};

/** The deliveries of a job once they have come to an end. */
async function settled(service: Service, jobId: string): Promise<Delivery> {
	let delivery: Delivery | undefined;
	await expect
		.poll(
			async () => {
				[delivery] = await service.deliveries(jobId);
				return delivery?.status;
			},
			{ timeout: 20_000 },
		)
		.toMatch(/delivered|failed|disabled/);
	if (delivery === undefined) throw new Error('no delivery');
	return delivery;
}

/** Waits until so many attempts have been made. */
async function attempted(service: Service, jobId: string, count: number): Promise<void> {
	await expect
		.poll(async () => (await service.deliveries(jobId))[0]?.attempts.length, { timeout: 10_000 })
		.toBeGreaterThanOrEqual(count);
}

const errorsOf = ({ attempts }: Delivery) => attempts.map(({ error }) => error);

describe('a webhook', () => {
	let service: Service;

	beforeAll(async () => {
		service = await startFacet();
	});

	afterAll(async () => {
		await service?.stop();
	});

	afterEach(cleanAll);

	it('tells of a photo’s end with the whole job, signed by each secret', async () => {
		const photo = await samplePhoto(1);
		const source = await startHttpServer((_request, response) => response.end(photo));
		cleanUp.push(() => source.close());
		const hook = await receiver();
		const jobId = await service.submit({ kind: 'url', url: `${source.url}/photo.jpg` }, { url: hook.url });
		const [message] = await hook.got(1);
		expect(message?.id).toBe(`msg_${jobId}`);
		expect(message?.event.type).toBe('detection.succeeded');
		expect(message?.event.data).toMatchObject({
			id: jobId,
			status: 'succeeded',
			error: null,
			urls: { self: `${service.facet.url}/v1/jobs/${jobId}` },
		});
		expect(JSON.stringify(message?.event.data.result).match(/"region":\[(\[[\d,]+\],?){3}\]/)).not.toBeNull();
		expect(message?.event.timestamp).toBe(message?.event.data.finished_at);
		const headers = {
			'webhook-id': message?.id ?? '',
			'webhook-timestamp': String(message?.timestampSeconds),
			'webhook-signature': message?.signature ?? '',
		};
		expect(new Webhook(oldSecret).verify(message?.body ?? '', headers)).toEqual(message?.event);
		expect(() => new Webhook(generateWebhookSecret()).verify(message?.body ?? '', headers)).toThrow();
		expect(await settled(service, jobId)).toEqual({
			id: `msg_${jobId}`,
			event: 'detection.succeeded',
			url: hook.url,
			status: 'delivered',
			created_at: message?.event.timestamp,
			attempts: [{ at: expect.any(String), status_code: 204, duration_ms: expect.any(Number), error: null }],
			next_attempt_at: null,
		});
	});

	it('comes for the events that were asked for', async () => {
		const page = await startHttpServer((_request, response) => response.end('<html></html>'));
		cleanUp.push(() => page.close());
		const source = { kind: 'url', url: page.url } as const;
		const hook = await receiver();
		await service.submit(source, { url: `${hook.url}/a`, events: ['detection.succeeded'] });
		const jobId = await service.submit(source, { url: `${hook.url}/b`, events: ['detection.failed'] });
		await settled(service, jobId);
		expect(hook.received.map(({ path }) => path)).toEqual(['/hook/b']);
		expect(hook.received[0]?.event).toMatchObject({
			type: 'detection.failed',
			data: { id: jobId, status: 'failed', error: { code: 'unsupported_format' }, result: null },
		});
	});

	it('to a receiver that fails twice: the same message three times', async () => {
		const hook = await receiver((response, count) => response.writeHead(count < 3 ? 500 : 200).end());
		const jobId = await service.endJob({ url: hook.url });
		const delivery = await settled(service, jobId);
		expect(errorsOf(delivery)).toEqual(['status', 'status', null]);
		expect(delivery.attempts.map(({ status_code }) => status_code)).toEqual([500, 500, 200]);
		expect(new Set(hook.received.map(({ id, body }) => id + body)).size).toBe(1);
		const [first, second, third] = hook.received.map(({ at }) => at);
		expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(100);
		expect((third ?? 0) - (second ?? 0)).toBeGreaterThanOrEqual(200);
	});

	it('keeps its body though the result expires between two attempts', async () => {
		const hook = await receiver((response, count) => response.writeHead(count < 2 ? 503 : 200).end());
		const erased = hook.got(1).then(([message]) => service.results.erase(message?.id.slice(4) ?? ''));
		const jobId = await service.endJob({ url: hook.url });
		await erased;
		expect((await settled(service, jobId)).status).toBe('delivered');
		expect(hook.received[1]?.body).toBe(hook.received[0]?.body);
	});

	it('to a receiver that is slow: given up, and tried again', async () => {
		const hook = await receiver((response, count) => {
			if (count > 1) response.end();
		});
		const delivery = await settled(service, await service.endJob({ url: hook.url }));
		expect(errorsOf(delivery)).toEqual(['timeout', null]);
		expect(delivery.attempts[0]).toMatchObject({ status_code: null });
		expect(delivery.attempts[0]?.duration_ms).toBeGreaterThanOrEqual(990);
	});

	it('to a receiver that redirects: not followed, and given up in the end', async () => {
		const elsewhere = await receiver();
		const hook = await receiver((response) => response.writeHead(307, { location: elsewhere.url }).end());
		const delivery = await settled(service, await service.endJob({ url: hook.url }));
		expect(delivery).toMatchObject({ status: 'failed', next_attempt_at: null });
		expect(errorsOf(delivery)).toEqual(Array.from({ length: 6 }, () => 'redirect'));
		expect(elsewhere.received).toEqual([]);
	});

	it('to a receiver that answers 410: switches the endpoint off, until a test of it succeeds', async () => {
		const hook = await receiver((response) => response.writeHead(410).end());
		const first = await settled(service, await service.endJob({ url: hook.url }));
		expect(first.status).toBe('disabled');
		expect(errorsOf(first)).toEqual(['gone']);
		const second = await settled(service, await service.endJob({ url: hook.url }));
		expect(second).toMatchObject({ status: 'disabled', attempts: [] });
		expect(await service.post(`/v1/deliveries/${second.id}/replay`)).toMatchObject({
			status: 409,
			body: { code: 'conflict' },
		});
		expect((await service.post('/v1/webhooks/test', { url: hook.url })).body.status).toBe('disabled');
		hook.answer = (response) => response.end();
		expect((await service.post('/v1/webhooks/test', { url: hook.url })).body.status).toBe('delivered');
		expect((await service.post(`/v1/deliveries/${second.id}/replay`)).status).toBe(202);
		const [message] = (await hook.got(4)).slice(3);
		expect(message?.id).toBe(second.id);
		expect(await settled(service, await service.endJob({ url: hook.url }))).toMatchObject({
			status: 'delivered',
		});
	});

	it('waits as long as the receiver asks', async () => {
		const hook = await receiver((response, count) => {
			response.writeHead(count === 1 ? 503 : 200, { 'retry-after': '2' }).end();
		});
		const jobId = await service.endJob({ url: hook.url });
		await hook.got(1);
		await attempted(service, jobId, 1);
		const [waiting] = await service.deliveries(jobId);
		expect(waiting?.status).toBe('pending');
		expect(Date.parse(waiting?.next_attempt_at ?? '') - (hook.received[0]?.at ?? 0)).toBeGreaterThan(1900);
		const [first, second] = await hook.got(2);
		expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(1950);
	});

	it('is tried at once when it is replayed while it waits', async () => {
		const hook = await receiver((response, count) => {
			response.writeHead(count === 1 ? 503 : 200, { 'retry-after': '3600' }).end();
		});
		const jobId = await service.endJob({ url: hook.url });
		await attempted(service, jobId, 1);
		expect((await service.post(`/v1/deliveries/msg_${jobId}/replay`)).status).toBe(202);
		const [first, second] = await hook.got(2);
		expect(second?.body).toBe(first?.body);
		expect((await settled(service, jobId)).status).toBe('delivered');
	});

	it('has the same id when it is replayed, so that the receiver knows it', async () => {
		const hook = await receiver();
		const jobId = await service.endJob({ url: hook.url });
		await settled(service, jobId);
		const replay = await service.post(`/v1/deliveries/msg_${jobId}/replay`);
		expect(replay).toMatchObject({ status: 202, body: { id: `msg_${jobId}`, status: 'pending' } });
		const [first, second] = await hook.got(2);
		expect(second?.id).toBe(first?.id);
		expect(second?.event).toEqual(first?.event);
		const delivery = await settled(service, jobId);
		expect(delivery.status).toBe('delivered');
		expect(delivery.attempts).toHaveLength(2);
	});

	it('of a job whose result has expired cannot be replayed', async () => {
		const hook = await receiver();
		const jobId = await service.endJob({ url: hook.url });
		await settled(service, jobId);
		const redis = connectProducer(inject('redisUrl'), logger);
		cleanUp.push(() => redis.disconnect());
		await new Promise((resolve) => redis.once('ready', resolve));
		await redis.del(`${service.facet.prefix}:result:${jobId}`);
		expect(await service.post(`/v1/deliveries/msg_${jobId}/replay`)).toMatchObject({
			status: 410,
			body: { code: 'gone' },
		});
	});

	it('stays below 20 kB by a link to the result', async () => {
		const hook = await receiver();
		const jobId = await service.endJob({ url: hook.url }, largeResult);
		const [message] = await hook.got(1);
		expect(Buffer.byteLength(message?.body ?? '')).toBeLessThan(20_000);
		expect(message?.event.data).toMatchObject({
			id: jobId,
			status: 'succeeded',
			result_url: `${service.facet.url}/v1/jobs/${jobId}`,
		});
		expect(message?.event.data).not.toHaveProperty('result');
	});

	it('to a slow host holds up no other, and that host has two at once at most', async () => {
		const slow = await receiver(() => {});
		const quick = await receiver();
		await Promise.all(Array.from({ length: 20 }, () => service.endJob({ url: slow.url })));
		await slow.got(2);
		await service.endJob({ url: quick.url });
		await quick.got(1);
		// Twenty messages of a second each, two at a time, have just begun.
		expect(slow.received.length).toBeLessThan(10);
		await slow.got(6);
		expect(slow.mostAtOnce).toBe(2);
		slow.answer = (response) => response.end();
		await expect.poll(() => new Set(slow.received.map(({ id }) => id)).size, { timeout: 20_000 }).toBe(20);
	});

	it('is nobody else’s business', async () => {
		const hook = await receiver();
		const jobId = await service.endJob({ url: hook.url }, emptyResult, 'env_somebody');
		await hook.got(1);
		const list = await fetch(`${service.facet.url}/v1/jobs/${jobId}/deliveries`);
		expect(list.status).toBe(404);
		expect(await list.json()).toMatchObject({ code: 'not_found', status: 404 });
		expect((await service.post(`/v1/deliveries/msg_${jobId}/replay`)).status).toBe(404);
		expect((await service.post(`/v1/deliveries/msg_${randomUUID()}/replay`)).status).toBe(404);
		expect(hook.received).toHaveLength(1);
	});

	it('leaves no secret and no answer in the logs, and is counted', async () => {
		const hook = await receiver((response) => response.writeHead(500).end('the receiver said hunter2'));
		await settled(service, await service.endJob({ url: `${hook.url}?token=hunter3` }));
		const { logs } = service.facet;
		expect(logs).toContain('webhook not delivered');
		expect(logs).not.toMatch(/whsec_|hunter|v1,/);
		const { port } = JSON.parse(logs.split('\n').find((line) => line.includes('worker: ready')) ?? '');
		const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
		expect(metrics).toMatch(/facet_webhook_deliveries_total\{[^}]*outcome="delivered"[^}]*\} \d/);
		expect(metrics).toMatch(/facet_webhook_deliveries_total\{[^}]*outcome="redirect"[^}]*\} 6/);
		expect(metrics).toMatch(/facet_webhook_delivery_seconds_count\{[^}]*\} \d/);
	});
});

describe('POST /v1/webhooks/test', () => {
	let service: Service;

	beforeAll(async () => {
		service = await startFacet();
	});

	afterAll(async () => {
		await service?.stop();
	});

	afterEach(cleanAll);

	it('answers what the endpoint said', async () => {
		const hook = await receiver();
		const { status, body } = await service.post('/v1/webhooks/test', { url: hook.url });
		expect(status).toBe(200);
		expect(body).toMatchObject({
			event: 'webhook.test',
			status: 'delivered',
			attempts: [{ status_code: 204, error: null }],
		});
		expect(hook.received[0]?.event.type).toBe('webhook.test');
		expect(hook.received[0]?.id).toBe(body.id);
	});

	it('does not try twice', async () => {
		const hook = await receiver((response) => response.writeHead(500).end());
		const { status, body } = await service.post('/v1/webhooks/test', { url: hook.url });
		expect(status).toBe(200);
		expect(body).toMatchObject({ status: 'failed', attempts: [{ status_code: 500, error: 'status' }] });
	});

	it.each([
		[{ url: 'ftp://example.com/' }, 'invalid_url'],
		[{ url: 'hook' }, 'invalid_url'],
		[{ url: 'https://user:password@example.com/' }, 'invalid_request'],
		[{ uri: 'https://example.com/' }, 'invalid_request'],
		[{}, 'invalid_request'],
	])('refuses %j', async (body, code) => {
		expect(await service.post('/v1/webhooks/test', body)).toMatchObject({ status: 400, body: { code } });
	});
});

describe('webhooks', () => {
	afterEach(cleanAll);

	async function start(...args: Parameters<typeof startFacet>): Promise<Service> {
		const service = await startFacet(...args);
		cleanUp.push(() => service.stop());
		return service;
	}

	it('reach a receiver that was down for the whole time and comes back', async () => {
		const service = await start({ WEBHOOK_RETRY_SCHEDULE: '0s,100ms,100ms,500ms,1s,1s,1s,2s,5s,5s' });
		const port = await freePort();
		const jobId = await service.endJob({ url: `http://127.0.0.1:${port}/hook` });
		await attempted(service, jobId, 4);
		const hook = await receiver(undefined, port);
		await hook.got(1);
		const delivery = await settled(service, jobId);
		expect(delivery.status).toBe('delivered');
		expect(new Set(errorsOf(delivery))).toEqual(new Set(['connection', null]));
	});

	it('are delivered though the worker died between result and delivery', async () => {
		const service = await start({}, 0);
		const hook = await receiver();
		const jobId = await service.endJob({ url: hook.url });
		await service.facet.startWorker();
		await hook.got(1);
		expect((await settled(service, jobId)).status).toBe('delivered');
	});

	it('are delivered though the worker was killed while it delivered', async () => {
		const service = await start({ WEBHOOK_TIMEOUT_MS: '60000' }, 0);
		const doomed = await service.facet.startWorker();
		const hook = await receiver((response, count) => {
			if (count > 1) response.end();
		});
		const jobId = await service.endJob({ url: hook.url });
		await hook.got(1);
		await doomed.end('SIGKILL');
		await service.facet.startWorker();
		const [first, second] = await hook.got(2);
		expect(second?.id).toBe(first?.id);
		expect((await settled(service, jobId)).status).toBe('delivered');
	});

	it('do not reach private addresses', async () => {
		const service = await start({ SOURCE_ALLOW_NETWORKS: '127.0.0.2/32' });
		const hook = await receiver();
		const { body } = await service.post('/v1/webhooks/test', { url: hook.url });
		expect(body).toMatchObject({ status: 'failed', attempts: [{ status_code: null, error: 'blocked' }] });
		const delivery = await settled(service, await service.endJob({ url: hook.url }));
		expect(new Set(errorsOf(delivery))).toEqual(new Set(['blocked']));
		expect(hook.received).toEqual([]);
	});

	it('need a secret', async () => {
		const service = await start({ WEBHOOK_SECRET: '' }, 0);
		const refused = await service.post('/v1/webhooks/test', { url: 'https://example.com/' });
		expect(refused).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
		expect(refused.body.detail).toContain('WEBHOOK_SECRET');
	});
});
