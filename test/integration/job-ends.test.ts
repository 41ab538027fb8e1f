import { randomUUID } from 'node:crypto';
import { JobControl, type JobProducer, JobReader, type Queues, ResultStore } from '@facet/queue';
import { beforeEach, describe, expect, inject, it } from 'vitest';
import { anyJob, endedAs, QueueFixture, succeeded } from '../support/queue-fixture.ts';

let fixture: QueueFixture;
let prefix: string;
let redis: QueueFixture['redis'];
let queues: Queues;
let producer: JobProducer;
let results: ResultStore;

beforeEach(async () => {
	fixture = await QueueFixture.start(inject('redisUrl'));
	({ prefix, redis, queues, producer, results } = fixture);
});

describe('the result store', () => {
	it('forgets results after their time', async () => {
		const short = new ResultStore(redis, { prefix, ttlSeconds: 1 });
		await short.finish('job', succeeded());
		expect(await short.get('job')).toMatchObject({ status: 'succeeded' });
		await expect.poll(() => short.get('job'), { timeout: 5000 }).toBeUndefined();
	});

	it('tells which of many jobs have ended', async () => {
		await results.finish('b', succeeded());
		expect(await results.ended(['a', 'b', 'c'])).toEqual(['b']);
	});
});

describe('the end of a job', () => {
	it('is the first outcome and no other', async () => {
		expect(await results.finish('a', endedAs('canceled'))).toBe(true);
		expect(await results.finish('a', succeeded())).toBe(false);
		expect(await results.get('a')).toMatchObject({ status: 'canceled' });
	});

	it('leaves a message to whoever wants to hear of it, once', async () => {
		const webhook = { url: 'https://example.com/hook' };
		await results.finish('a', succeeded({ owner: 'key_1', webhook }));
		await results.finish('a', endedAs('canceled'));
		await results.finish('b', succeeded({ webhook: { ...webhook, events: ['detection.failed'] } }));
		const messages = await redis.lrange(`${prefix}:outbox`, 0, -1);
		expect(messages.map((message) => JSON.parse(message))).toMatchObject([
			{ id: 'msg_a', type: 'detection.succeeded', url: webhook.url, owner: 'key_1', subject: 'a' },
		]);
	});

	it('moves the counters of its batch and of its caller, and the last one completes the batch', async () => {
		const message = { id: 'msg_1', type: 'batch.completed', timestamp: 0 };
		await redis.hset(`${prefix}:batch:1`, { total: 2, completedMessage: JSON.stringify(message) });
		await redis.set(`${prefix}:inflight:key_1`, 5);
		const facts = { owner: 'key_1', batchId: '1', counted: true };
		await results.finish('1.0', succeeded(facts));
		expect(await redis.llen(`${prefix}:outbox`)).toBe(0);
		await results.finish('1.1', endedAs('canceled', facts));
		await results.finish('1.1', succeeded(facts));
		expect(await redis.hgetall(`${prefix}:batch:1`)).toMatchObject({
			succeeded: '1',
			canceled: '1',
			done: '2',
		});
		expect(await redis.get(`${prefix}:inflight:key_1`)).toBe('3');
		const [completed] = await redis.lrange(`${prefix}:outbox`, 0, -1);
		expect(JSON.parse(completed ?? '').timestamp).toBeGreaterThan(0);
	});

	it('comes at once to a waiting job that is canceled', async () => {
		const { jobId, expectation } = await fixture.submit('normal');
		expect(await new JobControl(queues, results, prefix).end(jobId, 'canceled')).toMatchObject(anyJob);
		expect(await expectation.outcome(10_000)).toMatchObject({ status: 'canceled' });
		expect(await producer.waiting()).toBe(0);
	});

	it('comes to a running job that is canceled, and its leftovers are dropped', async () => {
		const control = new JobControl(queues, results, prefix);
		const discarded: string[] = [];
		let started: () => void = () => {};
		const running = new Promise<void>((resolve) => {
			started = resolve;
		});
		let dropped: () => void = () => {};
		const done = new Promise<void>((resolve) => {
			dropped = resolve;
		});
		fixture.consume(
			async (_data, { signal }) => {
				started();
				return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
			},
			{
				onDiscard: async (jobId) => {
					discarded.push(jobId);
				},
				onEnd: async () => dropped(),
			},
		);
		const { jobId, expectation } = await fixture.submit();
		await running;
		expect(await control.end(jobId, 'canceled')).toBeUndefined();
		expect(await new JobReader(queues, results).read(jobId)).toMatchObject({ status: 'canceled' });
		await done;
		expect(discarded).toEqual([jobId]);
		expect(await expectation.outcome(10_000)).toMatchObject({ status: 'canceled', job: { attempts: 1 } });
	});

	it('is its deadline, whether it waits or runs', async () => {
		const control = new JobControl(queues, results, prefix);
		const [waiting, running] = [randomUUID(), randomUUID()];
		await producer.add('detect', waiting, { ...anyJob, deadline: Date.now() - 1 });
		await control.watchDeadline(waiting, Date.now() - 1);
		expect(await control.overdue(10)).toEqual([waiting]);
		await control.end(waiting, 'expired');
		expect(await control.overdue(10)).toEqual([]);
		expect(await results.get(waiting)).toMatchObject({ status: 'expired' });

		const outcome = fixture.waiter.expect(running).outcome(10_000);
		await producer.add('detect', running, { ...anyJob, deadline: Date.now() + 300 });
		fixture.consume(
			async (_data, { signal }) =>
				new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
		);
		expect(await outcome).toMatchObject({ status: 'expired', error: { code: 'expired' } });
	});

	it('leaves nothing to read of an erased job, and no run may write again', async () => {
		await results.finish('a', succeeded());
		await results.erase('a');
		expect(await results.finish('a', succeeded())).toBe(false);
		expect(await results.get('a')).toBeUndefined();
		expect(await results.getMany(['a', 'b'])).toEqual([undefined, undefined]);
	});
});
