import { randomUUID } from 'node:crypto';
import type { DeliveryRecord, Logger, WebhookMessage } from '@facet/contracts';
import {
	connectProducer,
	DeliveryQueue,
	DeliveryStore,
	JobProducer,
	OutboxDispatcher,
	Queues,
	redisKeys,
} from '@facet/queue';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';

const logger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

let prefix: string;
let redis: Redis;
let deliveries: DeliveryStore;
let queue: DeliveryQueue;
let bull: Queue;
let closers: (() => Promise<unknown> | unknown)[];

beforeEach(async () => {
	prefix = `{test-${randomUUID()}}`;
	redis = connectProducer(inject('redisUrl'), logger);
	await new Promise((resolve) => redis.once('ready', resolve));
	deliveries = new DeliveryStore(redis, { prefix, ttlSeconds: 60 });
	const queues = new Queues({ redis, prefix, logger });
	const producer = new JobProducer({ queues, attempts: 1, keepSeconds: 60 });
	queue = new DeliveryQueue({ queues, producer, deliveries });
	bull = new Queue('deliver', { connection: redis, prefix });
	closers = [() => redis.disconnect(), () => queues.close(), () => bull.close()];
});

afterEach(async () => {
	for (const close of closers.reverse()) await close();
});

function message(id = `msg_${randomUUID()}`): WebhookMessage {
	const subject = id.replace('msg_', '');
	const url = 'https://example.com/hook';
	return { id, type: 'detection.succeeded', url, owner: 'open', subject, timestamp: 1_800_000_000_000 };
}

function dispatcher(): OutboxDispatcher {
	const outbox = new OutboxDispatcher({ redis, prefix, deliveries: queue, logger });
	closers.push(() => outbox.close());
	return outbox;
}

async function pushToOutbox(messages: readonly WebhookMessage[]): Promise<void> {
	await redis.rpush(redisKeys(prefix).outbox, ...messages.map((entry) => JSON.stringify(entry)));
}

const outboxLength = () => redis.llen(redisKeys(prefix).outbox);
const jobIds = async () => (await bull.getJobs(['waiting', 'prioritized', 'delayed'])).map(({ id }) => id);

describe('the outbox', () => {
	it('is emptied into the queue, however much there is', async () => {
		const messages = Array.from({ length: 450 }, () => message());
		await pushToOutbox(messages);
		dispatcher().kick();
		await expect.poll(outboxLength, { timeout: 10_000 }).toBe(0);
		expect((await jobIds()).sort()).toEqual(messages.map(({ id }) => id).sort());
		expect(await deliveries.get(messages[449]?.id ?? '')).toEqual({
			message: messages[449],
			status: 'pending',
			attempts: [],
			failures: 0,
			replays: 0,
		});
	});

	it('is emptied without being told', async () => {
		dispatcher();
		await pushToOutbox([message()]);
		await expect.poll(outboxLength, { timeout: 10_000 }).toBe(0);
		expect(await jobIds()).toHaveLength(1);
	});

	it('loses nothing and doubles nothing between several workers', async () => {
		const messages = Array.from({ length: 600 }, () => message());
		await pushToOutbox(messages);
		for (const worker of [dispatcher(), dispatcher(), dispatcher()]) worker.kick();
		await expect.poll(outboxLength, { timeout: 10_000 }).toBe(0);
		expect((await jobIds()).sort()).toEqual(messages.map(({ id }) => id).sort());
	});

	it('moved twice, after a crash between the two steps, is one delivery', async () => {
		const once = message();
		await queue.add([once]);
		const delivered: DeliveryRecord = {
			message: once,
			status: 'delivered',
			attempts: [{ at: 1, statusCode: 200, durationMs: 1 }],
			failures: 0,
			replays: 0,
		};
		await deliveries.save(delivered);
		await pushToOutbox([once]);
		dispatcher().kick();
		await expect.poll(outboxLength).toBe(0);
		expect(await jobIds()).toEqual([once.id]);
		expect(await deliveries.get(once.id)).toEqual(delivered);
	});

	it('goes on after an entry that it does not understand', async () => {
		await redis.rpush(redisKeys(prefix).outbox, 'what?', '{}');
		const good = message();
		await pushToOutbox([good]);
		dispatcher().kick();
		await expect.poll(outboxLength).toBe(0);
		expect(await jobIds()).toEqual([good.id]);
	});
});

describe('a delivery', () => {
	it('keeps its body, and gives it up', async () => {
		const { id } = message('msg_1');
		await queue.add([message('msg_1')]);
		const record = await deliveries.get(id);
		if (record === undefined) throw new Error('no record');
		expect(await deliveries.hasBody(id)).toBe(false);
		await deliveries.save(record, '{"face":"ü"}');
		await deliveries.save({ ...record, failures: 1 });
		expect(await deliveries.body(id)).toBe('{"face":"ü"}');
		await deliveries.save(record, null);
		expect(await deliveries.body(id)).toBeUndefined();
	});

	it('lives four days longer than results', async () => {
		await queue.add([message('msg_1')]);
		const ttl = await redis.ttl(`${prefix}:delivery:msg_1`);
		expect(ttl).toBeGreaterThan(4 * 86_400);
		expect(ttl).toBeLessThanOrEqual(4 * 86_400 + 60);
	});

	it('that was erased under way stays erased', async () => {
		await queue.add([message('msg_1')]);
		const record = await deliveries.get('msg_1');
		if (record === undefined) throw new Error('no record');
		await deliveries.erase('msg_1');
		await deliveries.save(record, 'body');
		expect(await deliveries.get('msg_1')).toBeUndefined();
		expect(await deliveries.hasBody('msg_1')).toBe(false);
	});

	it('replayed has its schedule from the start, and is in the queue again', async () => {
		const given = message('msg_1');
		await queue.add([given]);
		const attempts = [{ at: 1, durationMs: 1, error: 'timeout' as const }];
		const failed: DeliveryRecord = { message: given, status: 'failed', attempts, failures: 1, replays: 0 };
		await deliveries.save(failed, 'body');
		const replays = await Promise.all([queue.replay(failed), queue.replay(failed)]);
		for (const replayed of replays) {
			expect(replayed).toMatchObject({ status: 'pending', failures: 0, replays: 1, attempts });
		}
		expect(await deliveries.body('msg_1')).toBe('body');
		expect((await jobIds()).sort()).toEqual(['msg_1', 'msg_1~1']);
	});

	it('replayed while it waits for its next attempt is due now', async () => {
		const given = message('msg_1');
		await deliveries.create([given]);
		await bull.add('deliver', given, { jobId: 'msg_1', delay: 3_600_000 });
		const waiting = await deliveries.get('msg_1');
		if (waiting === undefined) throw new Error('no record');
		expect((await queue.replay(waiting)).nextAttemptAt).toBeLessThanOrEqual(Date.now());
		expect(await jobIds()).toEqual(['msg_1']);
		expect(await bull.getDelayedCount()).toBe(0);
	});

	it('replayed when the queue has lost it is in the queue again', async () => {
		await deliveries.create([message('msg_1')]);
		const lost = await deliveries.get('msg_1');
		if (lost === undefined) throw new Error('no record');
		expect(await queue.replay(lost)).toMatchObject({ status: 'pending', replays: 1 });
		expect(await jobIds()).toEqual(['msg_1~1']);
	});

	it('is not replayed to an endpoint that is switched off', async () => {
		const given = message('msg_1');
		await queue.add([given]);
		const record = await deliveries.get('msg_1');
		if (record === undefined) throw new Error('no record');
		await deliveries.switchEndpointOff('open', given.url);
		await expect(queue.replay(record)).rejects.toMatchObject({ code: 'conflict' });
		expect(await deliveries.isEndpointOff('someone else', given.url)).toBe(false);
		expect(await deliveries.isEndpointOff('open', `${given.url}/other`)).toBe(false);
		await deliveries.switchEndpointOn('open', given.url);
		expect(await queue.replay(record)).toMatchObject({ status: 'pending' });
	});
});
