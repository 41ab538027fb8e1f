import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { TcpProxy } from '../chaos/tcp-proxy.ts';
import { Facet } from '../support/facet.ts';

describe('wrong keys', () => {
	let facet: Facet;
	const status = async (key: string, headers: Record<string, string> = {}) =>
		(await facet.detect({}, { 'x-api-key': key, ...headers })).status;
	const from = (address: string) => ({ 'x-forwarded-for': `203.0.113.5, ${address}` });

	beforeAll(async () => {
		facet = await Facet.start(
			inject('redisUrl'),
			{ API_KEYS: 'right-key, other-key', WRONG_KEYS_PER_MINUTE: '5' },
			0,
		);
	});

	afterAll(async () => {
		await facet?.stop();
	});

	it('beyond the limit of an address are 429, whatever key comes next', async () => {
		const asked = from('198.51.100.1');
		for (let i = 0; i < 5; i += 1) expect(await status(`wrong-${i}`, asked)).toBe(401);
		const refused = await facet.detect({}, { 'x-api-key': 'wrong-5', ...asked });
		expect(refused.status).toBe(429);
		expect(refused.body.error).toMatchObject({ code: 'rate_limited', retryable: true });
		expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
		expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(12);
		// Not even the right one: who guesses does not learn that this was it.
		expect(await status('right-key', asked)).toBe(429);
		const problem = await fetch(`${facet.url}/v1/jobs`, { headers: { 'x-api-key': 'wrong', ...asked } });
		expect(problem.status).toBe(429);
		expect(await problem.json()).toMatchObject({ code: 'rate_limited' });
		// What has no key guesses nothing.
		expect((await facet.detect({}, asked)).status).toBe(401);
	});

	it('do not lock out whom the address has let in before, nor other addresses', async () => {
		const shared = from('198.51.100.2');
		expect(await status('right-key', shared)).toBe(400);
		for (let i = 0; i < 5; i += 1) expect(await status(`wrong-${i}`, shared)).toBe(401);
		expect(await status('wrong-5', shared)).toBe(429);
		expect(await status('right-key', shared)).toBe(400);
		expect(await status('other-key', shared)).toBe(429);
		expect(await status('other-key', from('198.51.100.3'))).toBe(400);
	});

	it('count for the whole network of an IPv6 address', async () => {
		for (let i = 0; i < 5; i += 1) expect(await status('wrong', from(`2001:db8::${i + 1}`))).toBe(401);
		expect(await status('wrong', from('2001:db8::ffff'))).toBe(429);
		expect(await status('wrong', from('2001:db8:0:1::1'))).toBe(401);
	});

	it('count for the peer where it is not a proxy that is trusted', async () => {
		const api = await facet.startApi({ TRUSTED_PROXIES: '192.0.2.0/24' });
		for (let i = 0; i < 5; i += 1) expect(await status('wrong', from(`198.51.100.${10 + i}`))).toBe(401);
		expect(await status('wrong', from('198.51.100.20'))).toBe(429);
		expect(api.output).toMatch(/"client":"127\.0\.0\.1".*too many wrong keys/);
	});
});

describe('stored keys, which are looked up in Redis', () => {
	let facet: Facet;
	let proxy: TcpProxy;
	const unknownKey = () => `fct_${randomBytes(32).toString('base64url')}`;
	const ask = (address: string, key = unknownKey()) =>
		facet.detect({}, { 'x-api-key': key, 'x-forwarded-for': address });
	const statuses = async (count: number, address: string) =>
		(await Promise.all(Array.from({ length: count }, () => ask(address)))).map(({ status }) => status);

	beforeAll(async () => {
		const redisUrl = new URL(inject('redisUrl'));
		proxy = await TcpProxy.start(Number(redisUrl.port || 6379));
		redisUrl.port = String(proxy.port);
		facet = await Facet.start(redisUrl.href, { REQUIRE_API_KEY: 'true', WRONG_KEYS_PER_MINUTE: '5' }, 0);
	});

	afterAll(async () => {
		await facet?.stop();
		await proxy?.stop();
	});

	it('are no more at once than there are tries', async () => {
		const { key } = await facet.callers.create('Owner');
		const started = performance.now();
		const answered = await statuses(100, '198.51.100.1');
		const givenBack = Math.ceil((performance.now() - started) / 12_000);
		const lookedAt = answered.filter((status) => status === 401).length;
		expect(lookedAt).toBeGreaterThanOrEqual(5);
		expect(lookedAt).toBeLessThanOrEqual(5 + givenBack);
		expect(answered.filter((status) => status === 429)).toHaveLength(100 - lookedAt);
		// Right ones all pass, however many come at once before the first of them is known.
		const right = await Promise.all(Array.from({ length: 40 }, () => ask('198.51.100.2', key)));
		expect(new Set(right.map(({ status }) => status))).toEqual(new Set([400]));
		expect(await statuses(1, '198.51.100.2')).toEqual([401]);
	});

	it('that could not be looked up cost nothing', async () => {
		proxy.cut();
		const ready = () => fetch(`${facet.url}/readyz`).then(({ status }) => status);
		await expect.poll(ready).toBe(503);
		expect(new Set(await statuses(20, '198.51.100.3'))).toEqual(new Set([503]));
		proxy.mend();
		await expect.poll(ready, { timeout: 20_000 }).toBe(200);
		for (let i = 0; i < 5; i += 1) expect(await statuses(1, '198.51.100.3')).toEqual([401]);
		expect(await statuses(1, '198.51.100.3')).toEqual([429]);
	});
});
