import type { RequestListener } from 'node:http';
import { AddressGuard, createSourceClient } from '@facet/media';
import {
	generateWebhookSecret,
	type SendOutcome,
	sendWebhook,
	signWebhook,
	verifyWebhook,
	type WebhookHeaders,
} from '@facet/webhooks';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { startHttpServer } from '../support/http-server.ts';

const body = JSON.stringify({ type: 'webhook.test', timestamp: '2026-01-01T00:00:00Z', data: { text: 'ü' } });
const secrets = [generateWebhookSecret(), generateWebhookSecret()] as const;
const nowSeconds = () => Math.floor(Date.now() / 1000);

function signed(): WebhookHeaders {
	return signWebhook({ id: 'msg_1', timestampSeconds: nowSeconds(), body }, secrets);
}

describe('the public library', () => {
	it.each(secrets)('verifies our signatures with either secret of a rotation', (secret) => {
		expect(new Webhook(secret).verify(body, { ...signed() })).toEqual(JSON.parse(body));
	});

	it.each(secrets)('refuses another body, another id, another secret', (secret) => {
		const library = new Webhook(secret);
		expect(() => library.verify(`${body} `, { ...signed() })).toThrow('No matching signature');
		expect(() => library.verify(body, { ...signed(), 'webhook-id': 'msg_2' })).toThrow(
			'No matching signature',
		);
		expect(() => new Webhook(generateWebhookSecret()).verify(body, { ...signed() })).toThrow();
	});

	it('makes signatures that we verify', () => {
		const timestampSeconds = nowSeconds();
		const headers = {
			'webhook-id': 'msg_1',
			'webhook-timestamp': String(timestampSeconds),
			'webhook-signature': new Webhook(secrets[1]).sign('msg_1', new Date(timestampSeconds * 1000), body),
		};
		expect(verifyWebhook(headers, body, secrets)).toEqual({ valid: true });
		expect(verifyWebhook(headers, body, [secrets[0]])).toMatchObject({ valid: false });
	});
});

describe('an attempt', () => {
	const cleanUp: (() => Promise<unknown>)[] = [];

	afterEach(async () => {
		for (const step of cleanUp.splice(0).reverse()) await step();
	});

	function client(allowNetworks: readonly string[] = ['127.0.0.0/8']) {
		const dispatcher = createSourceClient(new AddressGuard(allowNetworks), {
			connectTimeoutMs: 2000,
			idleTimeoutMs: 2000,
		});
		cleanUp.push(() => dispatcher.close());
		return dispatcher;
	}

	async function receiver(listener: RequestListener): Promise<string> {
		const server = await startHttpServer(listener);
		cleanUp.push(() => server.close());
		return `${server.url}/hook`;
	}

	async function send(
		url: string,
		timeoutMs = 5000,
		allowNetworks?: readonly string[],
	): Promise<SendOutcome> {
		return sendWebhook({ url, headers: signed(), body }, { client: client(allowNetworks), timeoutMs });
	}

	it('posts signed JSON', async () => {
		const received: { method?: string; type?: string; payload: unknown }[] = [];
		const url = await receiver((request, response) => {
			const chunks: Buffer[] = [];
			request.on('data', (chunk: Buffer) => chunks.push(chunk));
			request.on('end', () => {
				const { headers, method } = request;
				const payload = new Webhook(secrets[1]).verify(Buffer.concat(chunks), {
					'webhook-id': String(headers['webhook-id']),
					'webhook-timestamp': String(headers['webhook-timestamp']),
					'webhook-signature': String(headers['webhook-signature']),
				});
				received.push({ ...(method ? { method } : {}), type: String(headers['content-type']), payload });
				response.writeHead(204).end();
			});
		});
		expect(await send(url)).toEqual({ kind: 'delivered', statusCode: 204, durationMs: expect.any(Number) });
		expect(received).toEqual([{ method: 'POST', type: 'application/json', payload: JSON.parse(body) }]);
	});

	it.each<[number, object]>([
		[200, { kind: 'delivered', statusCode: 200 }],
		[299, { kind: 'delivered', statusCode: 299 }],
		[300, { kind: 'failed', statusCode: 300, error: 'redirect' }],
		[400, { kind: 'failed', statusCode: 400, error: 'status' }],
		[410, { kind: 'gone', statusCode: 410 }],
		[503, { kind: 'failed', statusCode: 503, error: 'status' }],
	])('answered with %i', async (status, expected) => {
		const url = await receiver((_request, response) => response.writeHead(status).end('text'));
		expect(await send(url)).toMatchObject(expected);
	});

	it.each([301, 302, 303, 307, 308])('does not follow a redirect with %i', async (status) => {
		let requests = 0;
		const url = await receiver((_request, response) => {
			requests += 1;
			response.writeHead(status, { location: '/elsewhere' }).end();
		});
		expect(await send(url)).toMatchObject({ kind: 'failed', error: 'redirect', statusCode: status });
		expect(requests).toBe(1);
	});

	it.each<[string, number | undefined]>([
		['30', 30_000],
		['soon', undefined],
	])('reads Retry-After: %s', async (header, retryAfterMs) => {
		const url = await receiver((_request, response) =>
			response.writeHead(429, { 'retry-after': header }).end(),
		);
		expect(await send(url)).toEqual({
			kind: 'failed',
			error: 'status',
			statusCode: 429,
			durationMs: expect.any(Number),
			...(retryAfterMs === undefined ? {} : { retryAfterMs }),
		});
	});

	it('gives a silent receiver up, whatever the client would allow', async () => {
		const url = await receiver(() => {});
		const outcome = await send(url, 300);
		expect(outcome).toMatchObject({ kind: 'failed', error: 'timeout' });
		expect(outcome.durationMs).toBeGreaterThanOrEqual(290);
	});

	it('has longer patience than the client when told so', async () => {
		const url = await receiver((_request, response) => setTimeout(() => response.end(), 2500));
		expect(await send(url, 10_000)).toMatchObject({ kind: 'delivered' });
	});

	it('does not read an answer that has no end', async () => {
		let closed: () => void = () => {};
		const isClosed = new Promise<void>((resolve) => {
			closed = resolve;
		});
		const url = await receiver((_request, response) => {
			const chunk = Buffer.alloc(4096);
			const write = () => {
				while (!response.destroyed && response.write(chunk));
			};
			response.on('drain', write).on('close', closed);
			write();
		});
		expect(await send(url)).toMatchObject({ kind: 'delivered', statusCode: 200 });
		await isClosed;
	});

	it('is refused where callers may not reach', async () => {
		let requests = 0;
		const url = await receiver((_request, response) => {
			requests += 1;
			response.end();
		});
		expect(await send(url, 5000, [])).toMatchObject({ kind: 'failed', error: 'blocked' });
		expect(await send(url.replace('127.0.0.1', 'localhost'), 5000, [])).toMatchObject({ error: 'blocked' });
		expect(requests).toBe(0);
	});

	it('fails where nobody listens, and where the name leads nowhere', async () => {
		const url = `http://127.0.0.1:${await freePort()}/`;
		expect(await send(url)).toMatchObject({ kind: 'failed', error: 'connection' });
		expect(await send('http://facet.invalid/')).toMatchObject({ kind: 'failed', error: 'name' });
	});

	it('speaks no TLS with who does not', async () => {
		const url = await receiver((_request, response) => response.end());
		expect(await send(url.replace('http:', 'https:'))).toMatchObject({ kind: 'failed', error: 'tls' });
	});

	it('is given up when told so', async () => {
		const controller = new AbortController();
		const url = await receiver(() => controller.abort(new Error('the process stops')));
		const attempt = sendWebhook(
			{ url, headers: signed(), body },
			{ client: client(), timeoutMs: 5000, signal: controller.signal },
		);
		await expect(attempt).rejects.toThrow('the process stops');
	});
});
