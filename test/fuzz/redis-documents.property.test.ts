import { createHash, randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { AppError, type JobOutcome, type Logger, type WebhookMessage } from '@facet/contracts';
import {
	BatchStore,
	CallerStore,
	connectProducer,
	DeliveryStore,
	type NewBatch,
	Queues,
	ResultStore,
	redisKeys,
} from '@facet/queue';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

/**
 * What Facet keeps in Redis, read back: by the version that wrote it, and as another version or a person may have left it.
 */

fc.configureGlobal({ seed: 6, numRuns: 200 });

const logger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const prefix = `{test-${randomUUID()}}`;
const keys = redisKeys(prefix);
const options = { prefix, ttlSeconds: 60 };

let redis: Redis;
let queues: Queues;

beforeAll(async () => {
	redis = connectProducer(inject('redisUrl'), logger);
	await new Promise((resolve) => redis.once('ready', resolve));
	queues = new Queues({ redis, prefix, logger });
});

afterAll(async () => {
	await queues.close();
	redis.disconnect();
});

/** A value, or an error in words; anything else that is thrown is a fault. */
async function settled<T>(read: Promise<T>): Promise<T | undefined> {
	try {
		return await read;
	} catch (error) {
		if (error instanceof AppError) expect(['internal', 'queue_unavailable']).toContain(error.code);
		else
			expect(['ZodError', 'SyntaxError', 'Error', '$ZodError']).toContain(
				error instanceof Error ? error.name : error,
			);
		return undefined;
	}
}

/** Objects with names that the documents have, and values that they do not. */
function oddDocument(...names: readonly string[]): fc.Arbitrary<string> {
	const value = fc.letrec<{ any: unknown }>((tie) => ({
		any: fc.oneof(
			{ maxDepth: 3 },
			fc.constantFrom<unknown>('succeeded', 'failed', 'internal', '', 0, -1, 1.5, 2 ** 60, null, true),
			fc.dictionary(fc.constantFrom(...names, '__proto__'), tie('any'), { maxKeys: 5 }),
			fc.array(tie('any'), { maxLength: 3 }),
		),
	})).any;
	return fc.oneof(
		value.map((json) => JSON.stringify(json)),
		fc.string(),
	);
}

const time = fc.nat(2 ** 42);

describe('outcomes', () => {
	const outcome = fc.record<Exclude<JobOutcome, { status: 'succeeded' }>>({
		status: fc.constantFrom('failed', 'canceled', 'expired'),
		error: fc.record({
			code: fc.constantFrom('internal', 'corrupt_media', 'canceled', 'expired', 'worker_lost'),
			detail: fc.string({ unit: 'binary' }),
		}),
		job: fc.record(
			{
				owner: fc.string({ minLength: 1 }),
				tag: fc.string(),
				createdAt: time,
				finishedAt: time,
				attempts: fc.nat(),
			},
			{ requiredKeys: ['owner', 'createdAt', 'finishedAt', 'attempts'] },
		),
	});

	it('are read as they were written, and the first one stands', async () => {
		const results = new ResultStore(redis, options);
		await fc.assert(
			fc.asyncProperty(outcome, outcome, async (first, second) => {
				const id = randomUUID();
				expect(await results.finish(id, first)).toBe(true);
				expect(await results.finish(id, second)).toBe(false);
				expect(await results.get(id)).toMatchObject(JSON.parse(JSON.stringify(first)));
			}),
		);
	});

	it('of any bytes are one or an error', async () => {
		const results = new ResultStore(redis, options);
		const json = oddDocument(
			'status',
			'error',
			'job',
			'result',
			'code',
			'owner',
			'createdAt',
			'frames',
			'media',
		);
		const bytes = fc.oneof(
			fc.uint8Array().map((plain) => Buffer.from(plain)),
			json.map((text) => gzipSync(text)),
			json.map((text) => gzipSync(text).subarray(0, -5)),
			fc.constant(Buffer.from('erased')),
		);
		await fc.assert(
			fc.asyncProperty(bytes, async (stored) => {
				await redis.set(keys.result('odd'), stored);
				const found = await settled(results.get('odd'));
				if (found !== undefined)
					expect(['succeeded', 'failed', 'canceled', 'expired']).toContain(found.status);
			}),
		);
	});
});

describe('deliveries', () => {
	const message = fc.record<WebhookMessage>({
		id: fc.uuid().map((id) => `msg_${id}`),
		type: fc.constantFrom('detection.succeeded', 'detection.failed', 'batch.completed'),
		url: fc.webUrl(),
		owner: fc.string({ minLength: 1 }),
		subject: fc.uuid(),
		timestamp: time,
	});

	it('are read as they were made, and a second time changes nothing', async () => {
		const deliveries = new DeliveryStore(redis, options);
		await fc.assert(
			fc.asyncProperty(message, fc.string(), async (first, owner) => {
				await deliveries.create([first]);
				await deliveries.create([{ ...first, owner }]);
				const record = { message: first, status: 'pending', attempts: [], failures: 0, replays: 0 };
				expect(await deliveries.get(first.id)).toEqual(record);
			}),
		);
	});

	it('of any content are one or an error', async () => {
		const deliveries = new DeliveryStore(redis, options);
		const id = `msg_${randomUUID()}`;
		const made = {
			id,
			type: 'detection.failed',
			url: 'http://a/',
			owner: 'o',
			subject: 's',
			timestamp: 0,
		} as const;
		await deliveries.create([made]);
		const [key = ''] = await redis.keys(`${prefix}*${id}`);
		expect(await redis.hkeys(key)).toEqual(['record']);
		await fc.assert(
			fc.asyncProperty(
				oddDocument('message', 'status', 'attempts', 'failures', 'replays', 'at', 'id', 'type'),
				async (text) => {
					await redis.hset(key, 'record', text);
					const record = await settled(deliveries.get(id));
					if (record !== undefined) expect(record.failures).toBeGreaterThanOrEqual(0);
				},
			),
		);
	});
});

describe('batches', () => {
	const batch = fc.record<NewBatch>(
		{
			id: fc.uuid(),
			owner: fc.string({ minLength: 1 }),
			tag: fc.string(),
			total: fc.integer({ min: 1, max: 100_000 }),
			createdAt: time,
			itemsKey: fc.string({ minLength: 1 }),
			webhookUrl: fc.webUrl(),
			counted: fc.boolean(),
		},
		{ requiredKeys: ['id', 'owner', 'total', 'createdAt', 'itemsKey', 'counted'] },
	);

	it('are read as they were made', async () => {
		const batches = new BatchStore(queues, options);
		await fc.assert(
			fc.asyncProperty(batch, async (made) => {
				await batches.create(made);
				const { webhookUrl: _, ...facts } = made;
				expect(await batches.read(made.id)).toMatchObject({
					...facts,
					counts: { queued: made.total, processing: 0, succeeded: 0, failed: 0, canceled: 0, expired: 0 },
				});
			}),
		);
	});

	it('of any fields are one, none or an error, and count no less than nothing', async () => {
		const batches = new BatchStore(queues, options);
		const name = fc.constantFrom(
			'owner',
			'total',
			'createdAt',
			'itemsKey',
			'succeeded',
			'failed',
			'itemWebhook',
			'counted',
		);
		const text = fc.oneof(
			fc.string(),
			fc.integer().map(String),
			fc.constantFrom('1e3', '-0', 'NaN', '{}', '1'),
		);
		const whole = { owner: 'o', total: '3', createdAt: '0', itemsKey: 'k' };
		await fc.assert(
			fc.asyncProperty(fc.dictionary(name, text), fc.boolean(), async (fields, isWhole) => {
				await redis.del(keys.batch('odd'));
				await redis.hset(keys.batch('odd'), { other: '1', ...(isWhole && whole), ...fields });
				const found = await settled(batches.read('odd'));
				for (const count of Object.values(found?.counts ?? {})) expect(count).toBeGreaterThanOrEqual(0);
			}),
		);
	});
});

it('callers of any content are one, none or an error', async () => {
	const { key } = await new CallerStore(redis, { prefix }).create('Somebody');
	const digest = createHash('sha256').update(key).digest('hex');
	const [field = ''] = await redis.hkeys(keys.callers);
	expect(field).toBe(digest);
	const names = ['id', 'name', 'createdAt', 'webhookSecrets', 'secret', 'rateLimitPerMinute', 'revokedAt'];
	await fc.assert(
		fc.asyncProperty(oddDocument(...names), async (text) => {
			await redis.hset(keys.callers, digest, text);
			// Without what another one remembers.
			const caller = await settled(new CallerStore(redis, { prefix }).authenticate(key));
			if (caller !== undefined) expect(caller.id).not.toBe('');
		}),
	);
});
