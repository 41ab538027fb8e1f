import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Facet } from '../support/facet.ts';
import { reportCounts } from '../support/scenario-counts.ts';
import { requestText, sendRaw } from './raw-request.ts';
import { type KeyHeader, startWithTwoCallers } from './two-callers.ts';

let facet: Facet;
let owner: KeyHeader;
let jobId: string;
let cropUrl: URL;

beforeAll(async () => {
	({ facet, owner, jobId, cropUrl } = await startWithTwoCallers(inject('redisUrl')));
});

afterAll(async () => {
	await facet?.stop();
});

describe('requests that two readers would read in two ways', () => {
	const post = ['POST /detect_faces HTTP/1.1', 'Content-Type: application/json'];
	const smuggled = 'GET /healthz HTTP/1.1\r\nHost: facet\r\n\r\n';

	it.each<[string, readonly string[], string]>([
		['two lengths', ['Content-Length: 2', 'Content-Length: 40'], `{}${smuggled}`],
		['a length and chunks', ['Content-Length: 5', 'Transfer-Encoding: chunked'], `0\r\n\r\n${smuggled}`],
		['chunks and a length', ['Transfer-Encoding: chunked', 'Content-Length: 5'], `0\r\n\r\n${smuggled}`],
		['chunks twice', ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], `0\r\n\r\n${smuggled}`],
		['another encoding', ['Transfer-Encoding: xchunked'], `0\r\n\r\n${smuggled}`],
		['a tab before the colon', ['Transfer-Encoding\t: chunked'], `0\r\n\r\n${smuggled}`],
		['a space before the colon', ['Content-Length : 2'], `{}${smuggled}`],
		['a signed length', ['Content-Length: +2'], `{}${smuggled}`],
		['a length in hexadecimal', ['Content-Length: 0x2'], `{}${smuggled}`],
		['a folded header', ['X-Folded: a', ' Transfer-Encoding: chunked'], `{}${smuggled}`],
		['a line feed alone', ['X-Alone: a\nContent-Length: 2'], `{}${smuggled}`],
		['a zero byte', ['X-Zero: a\0b'], ''],
		['a bad chunk', ['Transfer-Encoding: chunked'], `0x2\r\n{}\r\n0\r\n\r\n${smuggled}`],
	])('%s: answered once, as an error', async (_name, headers, body) => {
		const { statuses, text } = await sendRaw(facet.url, requestText([...post, ...headers], body));
		expect(text).not.toContain('"status":"ok"');
		expect(statuses.length).toBeLessThanOrEqual(1);
		for (const status of statuses) expect([400, 401]).toContain(status);
	});

	it('two keys are no key', async () => {
		const key = owner['x-api-key'];
		const get = (...headers: string[]) =>
			sendRaw(facet.url, requestText(['GET /v1/jobs HTTP/1.1', ...headers]));
		const bearer = `Authorization: Bearer ${key}`;
		expect((await get(bearer)).statuses).toEqual([200]);
		expect((await get(bearer, bearer)).statuses).toEqual([401]);
		expect((await get(bearer, 'Authorization: Bearer other')).statuses).toEqual([401]);
		expect((await get('Authorization: Bearer other', bearer)).statuses).toEqual([401]);
		expect((await get(`X-Api-Key: ${key}`, 'X-Api-Key: other')).statuses).toEqual([401]);
		expect((await get('Authorization: Basic Og==', `X-Api-Key: ${key}`)).statuses).toEqual([401]);
	});

	it('paths that are no URL are errors of the caller', async () => {
		for (const path of [
			'/v1/jobs/%',
			'/v1/jobs/%ff',
			'/v1/jobs/%00',
			'/v1/jobs/..%2f..',
			'/files/%',
			'//',
			'/%',
		]) {
			const { statuses } = await sendRaw(
				facet.url,
				requestText([`GET ${path} HTTP/1.1`, `X-Api-Key: ${owner['x-api-key']}`]),
			);
			expect(statuses, path).toHaveLength(1);
			expect([400, 404], path).toContain(statuses[0]);
		}
	});
});

describe('limits of requests', () => {
	it('long headers, and many of them, are refused', async () => {
		const long = await sendRaw(
			facet.url,
			requestText(['GET /healthz HTTP/1.1', `X-Long: ${'a'.repeat(20_000)}`]),
		);
		expect(long.statuses).toEqual([431]);
		const many = Array.from({ length: 5000 }, (_, index) => `X-${index}: a`);
		expect((await sendRaw(facet.url, requestText(['GET /healthz HTTP/1.1', ...many]))).statuses).toEqual([
			431,
		]);
		const path = await sendRaw(facet.url, requestText([`GET /${'a'.repeat(20_000)} HTTP/1.1`]));
		expect(path.statuses).toEqual([431]);
	});

	it('a body that says it is too long is refused before it comes', async () => {
		for (const path of ['/detect_faces', '/v1/jobs', '/v1/uploads']) {
			const { statuses } = await sendRaw(
				facet.url,
				requestText([
					`POST ${path} HTTP/1.1`,
					'Content-Type: application/json',
					'Content-Length: 999999999999',
					`X-Api-Key: ${owner['x-api-key']}`,
				]),
			);
			expect(statuses, path).toEqual([413]);
		}
	});

	it('a body without an end is refused when it is too long', async () => {
		const pieces = `100000\r\n${'a'.repeat(0x100000)}\r\n`.repeat(32);
		const { statuses } = await sendRaw(
			facet.url,
			requestText(
				[
					'POST /detect_faces HTTP/1.1',
					'Content-Type: application/json',
					'Transfer-Encoding: chunked',
					`X-Api-Key: ${owner['x-api-key']}`,
				],
				pieces,
			),
		);
		expect(statuses).toEqual([413]);
	});

	it('a client that does not come to an end with its headers is cut off', async () => {
		const startedAt = Date.now();
		const [silent, slow] = await Promise.all([
			sendRaw(facet.url, ''),
			sendRaw(facet.url, 'GET /healthz HTTP/1.1\r\nHost: facet\r\nX-Slow: '),
		]);
		expect(Date.now() - startedAt).toBeLessThan(40_000);
		for (const { statuses } of [silent, slow]) expect(statuses).toEqual([408]);
	});
});

describe('headers of answers', () => {
	it('are on every one', async ({ task }) => {
		const headers = { 'x-api-key': owner['x-api-key'] };
		const requests: readonly (readonly [string, RequestInit])[] = [
			['/healthz', {}],
			['/readyz', {}],
			['/metrics', {}],
			['/openapi.json', {}],
			['/docs', {}],
			['/nothing', {}],
			['/v1/jobs', {}],
			['/v1/jobs', { headers }],
			[`/v1/jobs/${jobId}`, { headers }],
			['/v1/jobs/%ff', { headers }],
			['/v1/nothing', { headers }],
			['/v1/batches', { method: 'PATCH', headers }],
			['/detect_faces', {}],
			['/detect_faces', { method: 'POST' }],
			[
				'/detect_faces',
				{ method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: '{' },
			],
			['/files/nothing', {}],
			[`${cropUrl.pathname}${cropUrl.search}`, {}],
			['/', { method: 'OPTIONS' }],
		];
		for (const [path, init] of requests) {
			const response = await fetch(facet.url + path, init);
			await response.body?.cancel();
			const header = (name: string) => response.headers.get(name);
			expect(header('x-content-type-options'), path).toBe('nosniff');
			expect(header('content-security-policy'), path).toMatch(/^default-src 'none'/);
			expect(header('x-frame-options'), path).toBe('DENY');
			expect(header('referrer-policy'), path).toBe('no-referrer');
			expect(header('cross-origin-resource-policy'), path).toMatch(/^(same-origin|cross-origin)$/);
			expect(header('cache-control'), path).toMatch(
				/^\/(openapi|docs)/.test(path) ? /public/ : path.startsWith('/files/faces') ? /private/ : /no-store/,
			);
			for (const name of ['x-powered-by', 'server', 'access-control-allow-origin', 'set-cookie']) {
				expect(header(name), path).toBeNull();
			}
		}
		reportCounts(task, { answers: requests.length });
	});
});
