import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { errorsOf, WebhookService } from '../support/webhook-service.ts';

describe('an endpoint', () => {
	let service: WebhookService;

	beforeAll(async () => {
		service = await WebhookService.start();
	});

	afterAll(async () => {
		await service?.stop();
	});

	afterEach(() => service.closeReceivers());

	it('that answers 410 is switched off, until a test of it succeeds', async () => {
		const hook = await service.receiver((response) => response.writeHead(410).end());
		const first = await service.settled(await service.endJob(hook.url));
		expect(first.status).toBe('disabled');
		expect(errorsOf(first)).toEqual(['gone']);
		const second = await service.settled(await service.endJob(hook.url));
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
		expect(await service.settled(await service.endJob(hook.url))).toMatchObject({
			status: 'delivered',
		});
	});

	it('is tested: the answer says what it said', async () => {
		const hook = await service.receiver();
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

	it('is tested once, and not again when it fails', async () => {
		const hook = await service.receiver((response) => response.writeHead(500).end());
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
	])('is refused when given as %j', async (body, code) => {
		expect(await service.post('/v1/webhooks/test', body)).toMatchObject({ status: 400, body: { code } });
	});
});

describe('webhooks', () => {
	let service: WebhookService | undefined;

	afterEach(async () => {
		await service?.stop();
		service = undefined;
	});

	async function start(...args: Parameters<typeof WebhookService.start>): Promise<WebhookService> {
		service = await WebhookService.start(...args);
		return service;
	}

	it('reach a receiver that was down for the whole time and comes back', async () => {
		const started = await start({ WEBHOOK_RETRY_SCHEDULE: '0s,100ms,100ms,500ms,1s,1s,1s,2s,5s,5s' });
		const port = await freePort();
		const jobId = await started.endJob(`http://127.0.0.1:${port}/hook`);
		await started.attempted(jobId, 4);
		const hook = await started.receiver(undefined, { port });
		await hook.got(1);
		const delivery = await started.settled(jobId);
		expect(delivery.status).toBe('delivered');
		expect(new Set(errorsOf(delivery))).toEqual(new Set(['connection', null]));
	});

	it('are delivered though the worker died between result and delivery', async () => {
		const started = await start({}, 0);
		const hook = await started.receiver();
		const jobId = await started.endJob(hook.url);
		await started.facet.startWorker();
		await hook.got(1);
		expect((await started.settled(jobId)).status).toBe('delivered');
	});

	it('are delivered though the worker was killed while it delivered', async () => {
		const started = await start({ WEBHOOK_TIMEOUT_MS: '60000' }, 0);
		const doomed = await started.facet.startWorker();
		const hook = await started.receiver((response, count) => {
			if (count > 1) response.end();
		});
		const jobId = await started.endJob(hook.url);
		await hook.got(1);
		await doomed.end('SIGKILL');
		await started.facet.startWorker();
		const [first, second] = await hook.got(2);
		expect(second?.id).toBe(first?.id);
		expect((await started.settled(jobId)).status).toBe('delivered');
	});

	it('do not reach private addresses', async () => {
		const started = await start({ SOURCE_ALLOW_NETWORKS: '127.0.0.2/32' });
		const hook = await started.receiver();
		const { body } = await started.post('/v1/webhooks/test', { url: hook.url });
		expect(body).toMatchObject({ status: 'failed', attempts: [{ status_code: null, error: 'blocked' }] });
		const delivery = await started.settled(await started.endJob(hook.url));
		expect(new Set(errorsOf(delivery))).toEqual(new Set(['blocked']));
		expect(hook.received).toEqual([]);
	});

	it('need a secret', async () => {
		const started = await start({ WEBHOOK_SECRET: '' }, 0);
		const refused = await started.post('/v1/webhooks/test', { url: 'https://example.com/' });
		expect(refused).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
		expect(refused.body.detail).toContain('WEBHOOK_SECRET');
		const job = { url: 'https://example.com/photo.jpg', webhook_url: 'https://example.com/' };
		expect(await started.post('/v1/jobs', job)).toMatchObject({
			status: 400,
			body: { code: 'invalid_request', detail: refused.body.detail },
		});
	});
});
