import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { JobOutcome, Logger } from '@facet/contracts';
import { CallerStore, connectProducer, currentSecrets, JobsInFlight, ResultStore } from '@facet/queue';
import type { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { startOwnRedis } from '../support/redis.ts';

const logger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const SECRET = /^whsec_[A-Za-z0-9+/]{43}=$/;
const DAY_MS = 86_400_000;

let queuePrefix: string;
let prefix: string;
let redis: Redis;
let callers: CallerStore;

beforeEach(async () => {
	queuePrefix = `test-${randomUUID()}`;
	prefix = `{${queuePrefix}}`;
	redis = await connect(inject('redisUrl'));
	callers = new CallerStore(redis, { prefix });
});

afterEach(() => {
	redis.disconnect();
});

async function connect(url: string): Promise<Redis> {
	const connection = connectProducer(url, logger);
	await new Promise((resolve) => connection.once('ready', resolve));
	return connection;
}

/** As another process sees the keys: with a cache of its own. */
const elsewhere = () => new CallerStore(redis, { prefix });

describe('stored keys', () => {
	it('stand for their caller, and for no other', async () => {
		const limits = { rateLimitPerMinute: 10, maxJobsInFlight: 2 };
		const { key, record } = await callers.create('Back end', limits);
		const other = await callers.create('Other');
		expect(key).toMatch(/^fct_[\w-]{43}$/);
		expect(record).toMatchObject({ id: expect.stringMatching(/^key_[0-9a-f]{16}$/), ...limits });
		expect(await callers.authenticate(key)).toEqual(record);
		expect(await callers.authenticate(other.key)).toEqual(other.record);
		expect(await callers.find(record.id)).toEqual(record);
		expect(await callers.list()).toEqual([record, other.record]);
		for (const wrong of ['', 'fct_', `${key}A`, key.slice(0, -1), `fct_${'A'.repeat(43)}`, record.id]) {
			expect(await callers.authenticate(wrong)).toBeUndefined();
		}
		expect(await callers.find('key_0')).toBeUndefined();
	});

	it('are not in Redis', async () => {
		const { key } = await callers.create('Back end');
		const dump = await Promise.all((await redis.keys(`${prefix}:*`)).map((name) => redis.hgetall(name)));
		expect(JSON.stringify(dump)).toContain(createHash('sha256').update(key).digest('hex'));
		expect(JSON.stringify(dump)).not.toContain(key.slice(4));
	});

	it('are refused within seconds everywhere once they are revoked, and their caller is still known', async () => {
		const { key, record } = await callers.create('Back end');
		const other = elsewhere();
		expect(await other.authenticate(key)).toEqual(record);
		const { revokedAt } = await callers.revoke(record.id);
		await expect.poll(() => other.authenticate(key), { timeout: 4000 }).toBeUndefined();
		expect(await other.find(record.id)).toEqual({ ...record, revokedAt });
		expect(await callers.revoke(record.id)).toEqual({ ...record, revokedAt });
	});

	it('that do not exist cannot be revoked', async () => {
		await expect(callers.revoke('key_0')).rejects.toMatchObject({ code: 'not_found' });
	});

	it('that Redis does not remember as we wrote them are our fault', async () => {
		const { key } = await callers.create('Back end');
		const [name = ''] = await redis.keys(`${prefix}:keys`);
		await redis.hset(name, createHash('sha256').update(key).digest('hex'), '{"id":5}');
		await expect(elsewhere().authenticate(key)).rejects.toMatchObject({ code: 'internal' });
	});

	it('cannot be told from wrong ones while Redis is away, but for those of a moment ago', async () => {
		const own = await startOwnRedis();
		const connection = await connect(own.url);
		const store = new CallerStore(connection, { prefix });
		const { key, record } = await store.create('Back end');
		expect(await store.authenticate(key)).toEqual(record);
		await own.down();
		expect(await store.authenticate(key)).toEqual(record);
		await expect(store.authenticate(`fct_${'A'.repeat(43)}`)).rejects.toMatchObject({
			code: 'queue_unavailable',
		});
		// What is not written like a stored key is none.
		expect(await store.authenticate('a-key-of-the-environment')).toBeUndefined();
		connection.disconnect();
		await own.stop();
	});
});

describe('webhook secrets', () => {
	it('that are replaced go on signing for a day', async () => {
		const { record } = await callers.create('Back end');
		const [first = ''] = currentSecrets(record);
		expect(first).toMatch(SECRET);
		const now = Date.now();
		const rotated = await callers.rotateSecret(record.id);
		const [second = ''] = currentSecrets(rotated);
		expect(second).toMatch(SECRET);
		expect(currentSecrets(rotated)).toEqual([second, first]);
		expect(currentSecrets(rotated, now + 0.99 * DAY_MS)).toEqual([second, first]);
		expect(currentSecrets(rotated, now + 1.01 * DAY_MS)).toEqual([second]);
	});

	it('are dropped at the rotation after their day', async () => {
		const { record } = await callers.create('Back end');
		await callers.rotateSecret(record.id);
		const later = new CallerStore(redis, { prefix, now: () => Date.now() + 1.5 * DAY_MS });
		expect((await later.rotateSecret(record.id)).webhookSecrets).toHaveLength(2);
	});

	it('are all kept when two are made at once', async () => {
		const { record } = await callers.create('Back end');
		await Promise.all([callers.rotateSecret(record.id), elsewhere().rotateSecret(record.id)]);
		expect((await elsewhere().find(record.id))?.webhookSecrets).toHaveLength(3);
	});
});

describe('jobs in flight', () => {
	let inFlight: JobsInFlight;
	let results: ResultStore;

	beforeEach(() => {
		inFlight = new JobsInFlight(redis, { prefix });
		results = new ResultStore(redis, { prefix, ttlSeconds: 60 });
	});

	function canceled(counted: boolean): JobOutcome {
		const job = { owner: 'key_1', createdAt: 1, finishedAt: 2, attempts: 0, counted };
		return { status: 'canceled', error: { code: 'canceled' }, job };
	}

	it('are refused beyond the limit, all or none', async () => {
		await inFlight.reserve('key_1', 3, 5);
		await expect(inFlight.reserve('key_1', 3, 5)).rejects.toMatchObject({
			code: 'too_many_jobs',
			retryable: true,
			detail: 'expected at most 5 jobs in flight, received 3 more to the 3 there are',
		});
		await inFlight.reserve('key_1', 2, 5);
		await expect(inFlight.reserve('key_1', 1, 5)).rejects.toMatchObject({ code: 'too_many_jobs' });
		await inFlight.reserve('key_2', 5, 5);
	});

	it('are refused for good when so many can never be', async () => {
		await expect(inFlight.reserve('key_1', 6, 5)).rejects.toMatchObject({ retryable: false });
	});

	it('are counted exactly however many come at once', async () => {
		const tries = Array.from({ length: 50 }, () => inFlight.reserve('key_1', 1, 7));
		const outcomes = await Promise.allSettled(tries);
		expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(7);
	});

	it('make room when they end, once each, and only those that were counted', async () => {
		await inFlight.reserve('key_1', 2, 2);
		await results.finish('uncounted', canceled(false));
		await expect(inFlight.reserve('key_1', 1, 2)).rejects.toMatchObject({ code: 'too_many_jobs' });
		await results.finish('counted', canceled(true));
		await results.finish('counted', canceled(true));
		await inFlight.reserve('key_1', 1, 2);
		await expect(inFlight.reserve('key_1', 1, 2)).rejects.toMatchObject({ code: 'too_many_jobs' });
	});

	it('that were not added after all are given back, and never more than there are', async () => {
		await inFlight.reserve('key_1', 2, 2);
		await inFlight.release('key_1', 2);
		await inFlight.release('key_1', 2);
		await expect(inFlight.reserve('key_1', 3, 2)).rejects.toMatchObject({ code: 'too_many_jobs' });
		await inFlight.reserve('key_1', 2, 2);
	});
});

describe('npm run keys', () => {
	const script = fileURLToPath(new URL('../../scripts/keys.mjs', import.meta.url));

	async function keys(...args: string[]) {
		const env = { REDIS_URL: inject('redisUrl'), QUEUE_PREFIX: queuePrefix };
		return promisify(execFile)(process.execPath, [script, ...args], { env });
	}

	it('makes, lists and revokes keys, and shows their secrets once', async () => {
		const made = await keys('create', '--name', 'Back end', '--rate-limit', '10', '--max-in-flight', '5');
		const [key = ''] = /fct_[\w-]{43}/.exec(made.stdout) ?? [];
		const [secret = ''] = /whsec_\S+/.exec(made.stdout) ?? [];
		const record = await callers.authenticate(key);
		expect(record).toMatchObject({ name: 'Back end', rateLimitPerMinute: 10, maxJobsInFlight: 5 });
		expect(record && currentSecrets(record)).toEqual([secret]);
		const id = record?.id ?? '';

		const listed = await keys('list');
		expect(listed.stdout).toMatch(new RegExp(`^${id} .* 10 .* 5 .* valid +Back end$`, 'm'));
		expect(listed.stdout).not.toMatch(/fct_|whsec_/);

		const rotated = await keys('rotate-secret', id);
		const [newSecret] = /whsec_\S+/.exec(rotated.stdout) ?? [];
		const changed = await elsewhere().find(id);
		expect(changed && currentSecrets(changed)).toEqual([newSecret, secret]);

		await keys('revoke', id);
		expect(await elsewhere().authenticate(key)).toBeUndefined();
		expect((await keys('list')).stdout).toMatch(/revoked \d{4}-/);
	});

	it.each([
		[['create'], /--name: expected 1 to 64 characters/],
		[['create', '--name', 'x', '--rate-limit', '1.5'], /--rate-limit: expected a whole number of at least 0/],
		[
			['create', '--name', 'x', '--max-in-flight', '0'],
			/--max-in-flight: expected a whole number of at least 1/,
		],
		[['revoke'], /revoke: expected the id of a key/],
		[['revoke', 'key_0'], /Expected the id of a key, got key_0/],
		[['drop'], /expected create, list, revoke or rotate-secret, got drop/],
	])('%j is refused in one line', async (args, message) => {
		await expect(keys(...args)).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(message) });
	});
});
