import { randomUUID } from 'node:crypto';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Answer, Facet } from '../support/facet.ts';
import { startOwnRedis } from '../support/redis.ts';
import { ServiceProcess } from '../support/service-process.ts';

describe('API keys', () => {
	let facet: Facet;

	beforeAll(async () => {
		facet = await Facet.start(inject('redisUrl'), { API_KEYS: 'first-key, second-key' }, 0);
	});

	afterAll(async () => {
		await facet?.stop();
	});

	// An empty body is refused with 400 behind the door and with 401 before it.
	it.each<[Record<string, string>, number]>([
		[{}, 401],
		[{ 'x-api-key': 'second-key' }, 400],
		[{ 'x-api-key': 'third-key' }, 401],
		[{ authorization: 'Bearer first-key' }, 400],
		[{ authorization: 'bearer first-key' }, 400],
		[{ authorization: 'Bearer third-key' }, 401],
		[{ authorization: 'Bearer third-key', 'x-api-key': 'first-key' }, 401],
		[{ authorization: 'Bearer first-key', 'x-api-key': 'third-key' }, 400],
		[{ authorization: 'Basic first-key', 'x-api-key': 'first-key' }, 401],
		[{ authorization: 'Bearer ' }, 401],
	])('%j gives %i', async (headers, status) => {
		const answer = await facet.detect({}, headers);
		expect(answer.status).toBe(status);
		if (status === 401) {
			expect(answer.body).toEqual({
				error_code: 1,
				error_msg: 'Invalid or missing API key',
				faces_obj: {},
				error: { code: 'unauthorized', retryable: false },
			});
		}
	});

	it('refuses a caller without a key before it reads the body', async () => {
		const answer = await facet.detect('{'.repeat(1_000_000));
		expect(answer.status).toBe(401);
	});

	it('lets callers with a stored key pass until it is revoked', async () => {
		const { key, record } = await facet.callers.create('Back end');
		expect((await facet.detect({}, { authorization: `Bearer ${key}` })).status).toBe(400);
		expect((await facet.detect({}, { 'x-api-key': key })).status).toBe(400);
		await facet.callers.revoke(record.id);
		const status = async () => (await facet.detect({}, { 'x-api-key': key })).status;
		await expect.poll(status, { timeout: 4000 }).toBe(401);
	});

	it('answers errors of /v1 as problem details', async () => {
		const response = await fetch(`${facet.url}/v1/nothing?tag=secret`, {
			headers: { 'x-request-id': 'mine' },
		});
		expect(response.status).toBe(401);
		expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
		expect(response.headers.get('www-authenticate')).toBe('Bearer');
		expect(await response.json()).toEqual({
			type: 'urn:facet:problem:unauthorized',
			title: 'Invalid or missing API key',
			status: 401,
			instance: '/v1/nothing',
			code: 'unauthorized',
			retryable: false,
			request_id: 'mine',
		});
		const unknown = await fetch(`${facet.url}/v1/nothing`, { headers: { 'x-api-key': 'first-key' } });
		expect(await unknown.json()).toMatchObject({ status: 404, code: 'not_found' });
	});

	it('lets probes in without a key', async () => {
		for (const path of ['/healthz', '/readyz', '/metrics']) {
			const response = await fetch(facet.url + path);
			await response.body?.cancel();
			expect(response.status).toBe(200);
		}
	});

	// The document is what answers are held against.
	it('counts requests by their route', async () => {
		await facet.detect({}, { 'x-api-key': 'first-key' }, '/interface/detect-api/detect_faces');
		await (await fetch(`${facet.url}/v1/any/thing`)).body?.cancel();
		const metrics = await (await fetch(`${facet.url}/metrics`)).text();
		const routes = [...metrics.matchAll(/request_seconds_count\{[^}]*route="([^"]*)"/g)].map(
			([, route]) => route,
		);
		expect(new Set(routes)).toEqual(new Set(['/detect_faces', '/v1', '/openapi.json']));
	});

	it('writes no key into the log', async () => {
		await facet.detect({}, { authorization: 'Bearer first-key', 'x-api-key': 'second-key' });
		expect(facet.logs).not.toMatch(/first-key|second-key/);
	});
});

describe('an open API', () => {
	it('knows callers by a stored key that they present, and is open to everyone else', async () => {
		const facet = await Facet.start(inject('redisUrl'), {}, 0);
		const { key, record } = await facet.callers.create('Back end');
		const callerOf = async (headers: Record<string, string>) => {
			const id = randomUUID();
			await facet.detect({}, { ...headers, 'x-request-id': id });
			return (await facet.logged('request', ({ requestId }) => requestId === id)).caller;
		};
		expect(await callerOf({ 'x-api-key': key })).toBe(record.id);
		expect(await callerOf({ 'x-api-key': `fct_${'A'.repeat(43)}` })).toBe('open');
		expect(await callerOf({ 'x-api-key': 'anything' })).toBe('open');
		expect(await callerOf({})).toBe('open');
		await facet.stop();
	});
});

describe('rate limits', () => {
	let facet: Facet;

	beforeAll(async () => {
		facet = await Facet.start(
			inject('redisUrl'),
			{ API_KEYS: 'first-key,second-key', RATE_LIMIT_PER_MINUTE: '3' },
			0,
		);
	});

	afterAll(async () => {
		await facet?.stop();
	});

	function rateLimit({ status, headers }: Answer) {
		const [limit, remaining, policy] = ['limit', 'remaining', 'policy'].map((name) =>
			headers.get(`ratelimit-${name}`),
		);
		return [status, limit, remaining, policy];
	}

	it('count each caller’s requests, say how many are left, and refuse the others until the minute is over', async () => {
		for (const remaining of ['2', '1', '0']) {
			const answer = await facet.detect({}, { 'x-api-key': 'first-key' });
			expect(rateLimit(answer)).toEqual([400, '3', remaining, '3;w=60']);
		}
		// The second one is refused without a look at Redis.
		for (let request = 0; request < 2; request += 1) {
			const refused = await facet.detect({}, { 'x-api-key': 'first-key' });
			expect(rateLimit(refused)).toEqual([429, '3', '0', '3;w=60']);
			expect(refused.body.error).toEqual({
				code: 'rate_limited',
				retryable: true,
				detail: 'expected at most 3 requests a minute',
			});
			const reset = Number(refused.headers.get('ratelimit-reset'));
			expect(reset).toBeGreaterThan(30);
			expect(reset).toBeLessThanOrEqual(60);
			expect(refused.headers.get('retry-after')).toBe(String(reset));
		}
		expect(rateLimit(await facet.detect({}, { 'x-api-key': 'second-key' }))).toEqual([
			400,
			'3',
			'2',
			'3;w=60',
		]);
	});

	it('count all processes together, and all paths', async () => {
		const { key } = await facet.callers.create('Back end', { rateLimitPerMinute: 5 });
		const headers = { 'x-api-key': key };
		expect(rateLimit(await facet.detect({}, headers))).toEqual([400, '5', '4', '5;w=60']);
		const problem = await fetch(`${facet.url}/v1/nothing`, { headers });
		expect([problem.status, problem.headers.get('ratelimit-remaining')]).toEqual([404, '3']);
		await facet.startApi();
		expect(rateLimit(await facet.detect({}, headers))).toEqual([400, '5', '2', '5;w=60']);
	});

	it('are nothing to a caller whose key has none', async () => {
		const { key } = await facet.callers.create('Back end', { rateLimitPerMinute: 0 });
		for (let request = 0; request < 5; request += 1) {
			const answer = await facet.detect({}, { 'x-api-key': key });
			expect(rateLimit(answer)).toEqual([400, null, null, null]);
		}
	});

	it('are not said to callers who are refused at the door', async () => {
		expect(rateLimit(await facet.detect({}))).toEqual([401, null, null, null]);
	});
});

it('without Redis, callers of the environment get past the limit, and stored keys cannot be known', async () => {
	const redis = await startOwnRedis();
	const facet = await Facet.start(redis.url, { API_KEYS: 'first-key', RATE_LIMIT_PER_MINUTE: '1' }, 0);
	const { key } = await facet.callers.create('Back end');
	await redis.down();
	for (let request = 0; request < 2; request += 1) {
		expect((await facet.detect({}, { 'x-api-key': 'first-key' })).status).toBe(400);
	}
	const unknown = await facet.detect({}, { 'x-api-key': key });
	expect(unknown.status).toBe(503);
	expect(unknown.headers.get('retry-after')).toBe('5');
	expect(unknown.body.error).toMatchObject({ code: 'queue_unavailable', retryable: true });
	expect((await facet.detect({}, { 'x-api-key': 'wrong' })).status).toBe(401);
	await redis.up();
	const status = async () => (await facet.detect({}, { 'x-api-key': key })).status;
	await expect.poll(status, { timeout: 10_000 }).toBe(400);
	await facet.stop();
	await redis.stop();
});

describe('start-up', () => {
	it('refuses to listen to the world without keys, naming every variable at fault', async () => {
		const api = ServiceProcess.start('api', {
			API_HOST: '0.0.0.0',
			API_PORT: 'http',
			REDIS_URL: 'localhost',
		});
		expect(await api.exited()).toBe(1);
		expect(api.output).toMatch(/REDIS_URL: expected a URL starting with redis:\/\/ or rediss:\/\//);
		expect(api.output).toMatch(/API_PORT: expected a whole number/);
	});

	it('refuses an open API on a public address', async () => {
		const api = ServiceProcess.start('api', { API_HOST: '0.0.0.0', API_PORT: '0' });
		expect(await api.exited()).toBe(1);
		expect(api.output).toMatch(/API_KEYS: expected at least one key/);
	});

	it('takes a public address without keys of the environment when every caller needs a stored one', async () => {
		const facet = await Facet.start(inject('redisUrl'), { API_HOST: '0.0.0.0', REQUIRE_API_KEY: 'true' }, 0);
		const { key } = await facet.callers.create('Back end');
		expect((await facet.detect({})).status).toBe(401);
		expect((await facet.detect({}, { 'x-api-key': key })).status).toBe(400);
		await facet.stop();
	});

	it('a worker without its networks says which command fetches them', async () => {
		const modelsDir = await mkdtemp(join(tmpdir(), 'facet-test-models-'));
		await copyFile('models/MODELS.json', join(modelsDir, 'MODELS.json'));
		const worker = ServiceProcess.start('worker', { REDIS_URL: inject('redisUrl'), MODELS_DIR: modelsDir });
		expect(await worker.exited()).toBe(1);
		expect(worker.output).toMatch(/fetch them with `npm run models`/);
		await rm(modelsDir, { recursive: true });
	});
});
