import { randomUUID } from 'node:crypto';
import { CallerStore } from '@facet/queue';
import { generateWebhookSecret } from '@facet/webhooks';
import { Queue } from 'bullmq';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startHttpServer } from '../support/http-server.ts';
import { samplePhoto } from '../support/sample-photos.ts';
import { errorsOf, LARGE_RESULT, WebhookService } from '../support/webhook-service.ts';

describe('a webhook', () => {
	let service: WebhookService;

	beforeAll(async () => {
		service = await WebhookService.start();
	});

	afterAll(async () => {
		await service?.stop();
	});

	afterEach(() => service.closeReceivers());

	it('tells of a photo’s end with the whole job, signed by each secret', async () => {
		const photo = await samplePhoto(1);
		const source = await startHttpServer((_request, response) => response.end(photo));
		const hook = await service.receiver();
		const jobId = await service.submit(`${source.url}/photo.jpg`, hook.url);
		const [message] = await hook.got(1);
		await source.close();
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
		expect(new Webhook(WebhookService.secrets[1]).verify(message?.body ?? '', headers)).toEqual(
			message?.event,
		);
		expect(() => new Webhook(generateWebhookSecret()).verify(message?.body ?? '', headers)).toThrow();
		expect(await service.settled(jobId)).toEqual({
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
		const hook = await service.receiver();
		await service.submit(page.url, `${hook.url}/a`, ['detection.succeeded']);
		const jobId = await service.submit(page.url, `${hook.url}/b`, ['detection.failed']);
		await service.settled(jobId);
		await page.close();
		expect(hook.received.map(({ path }) => path)).toEqual(['/hook/b']);
		expect(hook.received[0]?.event).toMatchObject({
			type: 'detection.failed',
			data: { id: jobId, status: 'failed', error: { code: 'unsupported_format' }, result: null },
		});
	});

	it('tells of a job that its caller cancels', async () => {
		const gate = await startHttpServer(() => {});
		const hook = await service.receiver();
		const jobId = await service.submit(gate.url, hook.url);
		expect((await service.post(`/v1/jobs/${jobId}/cancel`)).status).toBe(200);
		const [message] = await hook.got(1);
		await gate.close();
		expect(message?.event).toMatchObject({
			type: 'detection.canceled',
			data: { id: jobId, status: 'canceled', error: { code: 'canceled' } },
		});
	});

	it('of a job that is erased is not tried again', async () => {
		const hook = await service.receiver((response) => {
			response.writeHead(503, { 'retry-after': '1' }).end();
		});
		const jobId = await service.endJob(hook.url);
		await service.attempted(jobId, 1);
		const erased = await fetch(`${service.facet.url}/v1/jobs/${jobId}`, { method: 'DELETE' });
		expect(erased.status).toBe(204);
		expect((await fetch(`${service.facet.url}/v1/jobs/${jobId}/deliveries`)).status).toBe(404);
		expect((await service.post(`/v1/deliveries/msg_${jobId}/replay`)).status).toBe(404);
		const waiting = new Queue('deliver', { connection: service.redis, prefix: service.facet.prefix });
		await expect.poll(() => waiting.getJob(`msg_${jobId}`), { timeout: 10_000 }).toBeUndefined();
		await waiting.close();
		expect(hook.received).toHaveLength(1);
	});

	it('to a receiver that fails twice: the same message three times', async () => {
		const hook = await service.receiver((response, count) => response.writeHead(count < 3 ? 500 : 200).end());
		const jobId = await service.endJob(hook.url);
		const delivery = await service.settled(jobId);
		expect(errorsOf(delivery)).toEqual(['status', 'status', null]);
		expect(delivery.attempts.map(({ status_code }) => status_code)).toEqual([500, 500, 200]);
		expect(new Set(hook.received.map(({ id, body }) => id + body)).size).toBe(1);
		const [first, second, third] = hook.received.map(({ at }) => at);
		expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(100);
		expect((third ?? 0) - (second ?? 0)).toBeGreaterThanOrEqual(200);
	});

	it('keeps its body though the result expires between two attempts', async () => {
		const hook = await service.receiver((response, count) => response.writeHead(count < 2 ? 503 : 200).end());
		const erased = hook.got(1).then(([message]) => service.results.erase(message?.id.slice(4) ?? ''));
		const jobId = await service.endJob(hook.url);
		await erased;
		expect((await service.settled(jobId)).status).toBe('delivered');
		expect(hook.received[1]?.body).toBe(hook.received[0]?.body);
	});

	it('to a receiver that is slow: given up, and tried again', async () => {
		const hook = await service.receiver((response, count) => {
			if (count > 1) response.end();
		});
		const delivery = await service.settled(await service.endJob(hook.url));
		expect(errorsOf(delivery)).toEqual(['timeout', null]);
		expect(delivery.attempts[0]).toMatchObject({ status_code: null });
		expect(delivery.attempts[0]?.duration_ms).toBeGreaterThanOrEqual(990);
	});

	it('to a receiver that redirects: not followed, and given up in the end', async () => {
		const elsewhere = await service.receiver();
		const hook = await service.receiver((response) =>
			response.writeHead(307, { location: elsewhere.url }).end(),
		);
		const delivery = await service.settled(await service.endJob(hook.url));
		expect(delivery).toMatchObject({ status: 'failed', next_attempt_at: null });
		expect(errorsOf(delivery)).toEqual(Array.from({ length: 6 }, () => 'redirect'));
		expect(elsewhere.received).toEqual([]);
	});

	it('waits as long as the receiver asks', async () => {
		const hook = await service.receiver((response, count) => {
			response.writeHead(count === 1 ? 503 : 200, { 'retry-after': '2' }).end();
		});
		const jobId = await service.endJob(hook.url);
		await hook.got(1);
		await service.attempted(jobId, 1);
		const [waiting] = await service.deliveries(jobId);
		expect(waiting?.status).toBe('pending');
		expect(Date.parse(waiting?.next_attempt_at ?? '') - (hook.received[0]?.at ?? 0)).toBeGreaterThan(1900);
		const [first, second] = await hook.got(2);
		expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(1950);
	});

	it('is tried at once when it is replayed while it waits', async () => {
		const hook = await service.receiver((response, count) => {
			response.writeHead(count === 1 ? 503 : 200, { 'retry-after': '3600' }).end();
		});
		const jobId = await service.endJob(hook.url);
		await service.attempted(jobId, 1);
		expect((await service.post(`/v1/deliveries/msg_${jobId}/replay`)).status).toBe(202);
		const [first, second] = await hook.got(2);
		expect(second?.body).toBe(first?.body);
		expect((await service.settled(jobId)).status).toBe('delivered');
	});

	it('has the same id when it is replayed, so that the receiver knows it', async () => {
		const hook = await service.receiver();
		const jobId = await service.endJob(hook.url);
		await service.settled(jobId);
		const replay = await service.post(`/v1/deliveries/msg_${jobId}/replay`);
		expect(replay).toMatchObject({ status: 202, body: { id: `msg_${jobId}`, status: 'pending' } });
		const [first, second] = await hook.got(2);
		expect(second?.id).toBe(first?.id);
		expect(second?.event).toEqual(first?.event);
		const delivery = await service.settled(jobId);
		expect(delivery.status).toBe('delivered');
		expect(delivery.attempts).toHaveLength(2);
	});

	it('of a job whose result has expired cannot be replayed', async () => {
		const hook = await service.receiver();
		const jobId = await service.endJob(hook.url);
		await service.settled(jobId);
		await service.redis.del(`${service.facet.prefix}:result:${jobId}`);
		expect(await service.post(`/v1/deliveries/msg_${jobId}/replay`)).toMatchObject({
			status: 410,
			body: { code: 'gone' },
		});
	});

	it('stays below 20 kB by a link to the result', async () => {
		const hook = await service.receiver();
		const jobId = await service.endJob(hook.url, { result: LARGE_RESULT });
		const [message] = await hook.got(1);
		expect(Buffer.byteLength(message?.body ?? '')).toBeLessThan(20_000);
		expect(message?.event.data).toMatchObject({
			id: jobId,
			status: 'succeeded',
			result_url: `${service.facet.url}/v1/jobs/${jobId}`,
		});
		expect(message?.event.data).not.toHaveProperty('result');
	});

	it('tells of a batch’s end once, after that of its last item', async () => {
		const hook = await service.receiver();
		const id = randomUUID();
		await service.batches.create({
			id,
			owner: 'open',
			total: 2,
			createdAt: Date.now(),
			itemsKey: 'none',
			webhookUrl: hook.url,
			counted: false,
		});
		expect(await service.deliveries(id, 'batches')).toEqual([]);
		await service.endJob(undefined, { batchId: id });
		const lastJobId = await service.endJob(hook.url, { batchId: id });
		await hook.got(2);
		const [message] = hook.received.filter(({ event }) => event.type === 'batch.completed');
		expect(message?.id).toBe(`msg_${id}`);
		expect(message?.event.data).toMatchObject({
			id,
			status: 'completed',
			total: 2,
			counts: { succeeded: 2, queued: 0 },
			completed_at: message?.event.timestamp,
		});
		expect((await service.settled(id, 'batches')).status).toBe('delivered');
		await service.settled(lastJobId);
		expect(hook.received).toHaveLength(2);
		expect((await fetch(`${service.facet.url}/v1/jobs/${id}/deliveries`)).status).toBe(404);
	});

	it('of a caller with a stored key is signed by the key’s own secrets, old and new', async () => {
		const callers = new CallerStore(service.redis, { prefix: service.facet.prefix });
		const { key, record } = await callers.create('someone');
		const { webhookSecrets } = await callers.rotateSecret(record.id);
		const received = await Promise.all(
			webhookSecrets.map(async ({ secret }) => {
				const hook = await service.receiver(undefined, { secret });
				const jobId = await service.endJob(hook.url, { owner: record.id });
				const [message] = await hook.got(1);
				const list = await fetch(`${service.facet.url}/v1/jobs/${jobId}/deliveries`, {
					headers: { authorization: `Bearer ${key}` },
				});
				expect(list.status).toBe(200);
				return message?.signature.split(' ').length;
			}),
		);
		expect(received).toEqual([2, 2]);
	});

	it('to a slow host holds up no other, and that host has two at once at most', async () => {
		const slow = await service.receiver(() => {});
		const quick = await service.receiver();
		await Promise.all(Array.from({ length: 20 }, () => service.endJob(slow.url)));
		await slow.got(2);
		await service.endJob(quick.url);
		await quick.got(1);
		// Twenty messages of a second each, two at a time, have just begun.
		expect(slow.received.length).toBeLessThan(10);
		await slow.got(6);
		expect(slow.mostAtOnce).toBe(2);
		slow.answer = (response) => response.end();
		await expect.poll(() => new Set(slow.received.map(({ id }) => id)).size, { timeout: 20_000 }).toBe(20);
	});

	it('is nobody else’s business', async () => {
		const hook = await service.receiver();
		const jobId = await service.endJob(hook.url, { owner: 'env_somebody' });
		await hook.got(1);
		const list = await fetch(`${service.facet.url}/v1/jobs/${jobId}/deliveries`);
		expect(list.status).toBe(404);
		expect(await list.json()).toMatchObject({ code: 'not_found', status: 404 });
		expect((await service.post(`/v1/deliveries/msg_${jobId}/replay`)).status).toBe(404);
		expect((await service.post(`/v1/deliveries/msg_${randomUUID()}/replay`)).status).toBe(404);
		expect(hook.received).toHaveLength(1);
	});

	it('leaves no secret and no answer in the logs, and is counted', async () => {
		const hook = await service.receiver((response) =>
			response.writeHead(500).end('the receiver said hunter2'),
		);
		await service.settled(await service.endJob(`${hook.url}?token=hunter3`));
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
