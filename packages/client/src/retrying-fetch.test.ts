import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { retryingFetch } from './retrying-fetch.ts';

const closing: (() => void)[] = [];

afterEach(() => {
	for (const close of closing.splice(0)) close();
});

/** A server that answers the n-th request, counted from 1, as the test says. */
async function serve(answer: (count: number, ...args: Parameters<RequestListener>) => void) {
	const bodies: string[] = [];
	const server = createServer((request, response) => {
		let body = '';
		request.setEncoding('utf8').on('data', (text: string) => {
			body += text;
		});
		request.on('end', () => {
			bodies.push(body);
			answer(bodies.length, request, response);
		});
	}).listen(0, '127.0.0.1');
	await once(server, 'listening');
	closing.push(() => {
		server.close();
		server.closeAllConnections();
	});
	const address = server.address();
	if (typeof address !== 'object' || address === null) throw new Error('a TCP server without an address');
	return { url: `http://127.0.0.1:${address.port}`, bodies };
}

const fetchAgain = retryingFetch((request) => fetch(request), { maxRetries: 2 });

describe('retryingFetch', () => {
	it.each([429, 503])('comes back when %i says when, with the same body', async (status) => {
		const { url, bodies } = await serve((count, _request, response) => {
			if (count < 3) response.writeHead(status, { 'retry-after': '0' }).end();
			else response.end('done');
		});
		const response = await fetchAgain(new Request(url, { method: 'POST', body: 'a body' }));
		expect([response.status, await response.text()]).toEqual([200, 'done']);
		expect(bodies).toEqual(['a body', 'a body', 'a body']);
	});

	it('waits as long as it is told', async () => {
		const { url } = await serve((count, _request, response) => {
			if (count === 1) response.writeHead(429, { 'retry-after': '1' }).end();
			else response.end();
		});
		const startedAt = performance.now();
		await fetchAgain(new Request(url));
		expect(performance.now() - startedAt).toBeGreaterThan(990);
	});

	it('gives the last answer when it has tried often enough', async () => {
		const { url, bodies } = await serve((count, _request, response) => {
			response.writeHead(503, { 'retry-after': '0' }).end(`answer ${count}`);
		});
		expect(await (await fetchAgain(new Request(url))).text()).toBe('answer 3');
		expect(bodies).toHaveLength(3);
	});

	it.each<[string, number, Record<string, string>]>([
		['no time is given', 429, {}],
		['the time is too far off', 503, { 'retry-after': '100000' }],
		['the answer is another error', 500, { 'retry-after': '0' }],
	])('does not come back when %s', async (_name, status, headers) => {
		const { url, bodies } = await serve((_count, _request, response) => {
			response.writeHead(status, headers).end();
		});
		expect((await fetchAgain(new Request(url))).status).toBe(status);
		expect(bodies).toHaveLength(1);
	});

	it.each<[string, RequestInit, number]>([
		['a GET', {}, 2],
		[
			'a POST with an idempotency key',
			{ method: 'POST', headers: { 'idempotency-key': 'a' }, body: '{}' },
			2,
		],
		['another POST', { method: 'POST', body: '{}' }, 1],
	])('tries %s again, or not, when the connection breaks', async (_name, init, requests) => {
		const { url, bodies } = await serve((count, request, response) => {
			if (count === 1) request.socket.destroy();
			else response.end();
		});
		const fetching = fetchAgain(new Request(url, init));
		if (requests === 1) await expect(fetching).rejects.toThrow(TypeError);
		else expect((await fetching).status).toBe(200);
		expect(bodies).toHaveLength(requests);
	});

	it('ends a wait with the signal', async () => {
		const { url } = await serve((_count, _request, response) => {
			response.writeHead(503, { 'retry-after': '60' }).end();
		});
		const fetching = fetchAgain(new Request(url, { signal: AbortSignal.timeout(100) }));
		await expect(fetching).rejects.toMatchObject({ name: 'TimeoutError' });
	});
});
