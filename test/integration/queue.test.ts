import { randomUUID } from 'node:crypto';
import {
	AppError,
	type DetectJobInput,
	type DetectResult,
	type JobOutcome,
	type Logger,
} from '@facet/contracts';
import {
	connectConsumer,
	connectProducer,
	DetectConsumer,
	type DetectHandlerFunction,
	JobControl,
	JobIndex,
	JobProducer,
	JobReader,
	JobWaiter,
	Queues,
	ResultStore,
} from '@facet/queue';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';

const logger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const options = { numFrames: 5, returnFaceUrl: false, singleFace: false };
const job: DetectJobInput = { source: { kind: 'url', url: 'https://example.com/photo.jpg' }, options };
const result: DetectResult = {
	options,
	media: { kind: 'image', format: 'jpeg', width: 4, height: 3, orientation: 1, bytes: 9 },
	model: 'test',
	frames: [{ index: 0, timestampMs: null, faces: [], removed: [] }],
	persons: [],
	timings: { fetch: 1, decode: 1, detect: 1, crop: 0, upload: 0 },
};

let prefix: string;
let redis: Redis;
let results: ResultStore;
let queues: Queues;
let producer: JobProducer;
let waiter: JobWaiter;
let closers: (() => Promise<unknown> | unknown)[];

beforeEach(async () => {
	prefix = `{test-${randomUUID()}}`;
	closers = [];
	redis = connectProducer(inject('redisUrl'), logger);
	await new Promise((resolve) => redis.once('ready', resolve));
	results = new ResultStore(redis, { prefix, ttlSeconds: 60 });
	queues = new Queues({ redis, prefix, logger });
	producer = new JobProducer({ queues, attempts: 3, keepSeconds: 60 });
	const waiterRedis = connectConsumer(inject('redisUrl'), logger);
	waiter = JobWaiter.start('detect', { redis: waiterRedis, prefix, results, logger });
	closers.push(
		() => redis.disconnect(),
		() => waiterRedis.disconnect(),
		() => queues.close(),
		() => waiter.close(),
	);
});

afterEach(async () => {
	for (const close of closers.reverse()) await close();
});

type Hooks = Pick<ConstructorParameters<typeof DetectConsumer>[0], 'onEnd' | 'onDiscard'>;

function consume(handler: DetectHandlerFunction, hooks: Hooks = {}): DetectConsumer {
	const consumerRedis = connectConsumer(inject('redisUrl'), logger);
	const consumer = new DetectConsumer({
		redis: consumerRedis,
		prefix,
		concurrency: 1,
		lockMs: 10_000,
		results: new ResultStore(consumerRedis, { prefix, ttlSeconds: 60 }),
		handler,
		...hooks,
		logger,
	});
	closers.push(
		() => consumerRedis.disconnect(),
		() => consumer.close(5000),
	);
	return consumer;
}

/** An outcome whose job has the given facts. */
function succeeded(facts: Partial<JobOutcome['job']> = {}): JobOutcome {
	const now = Date.now();
	return {
		status: 'succeeded',
		result,
		job: { owner: 'open', createdAt: now, finishedAt: now, attempts: 1, ...facts },
	};
}

/** BullMQ's own view of the queue. */
function rawQueue(): Queue {
	const queue = new Queue('detect', { connection: redis, prefix });
	closers.push(() => queue.close());
	return queue;
}

async function submit(urgency: 'sync' | 'normal' | 'batch' = 'sync', jobId: string = randomUUID()) {
	const expectation = waiter.expect(jobId);
	await producer.add('detect', jobId, job, { urgency });
	return { jobId, expectation };
}

describe('waiting for a job', () => {
	it('gives the stored result', async () => {
		consume(async () => result);
		const { expectation } = await submit();
		expect(await expectation.outcome(10_000)).toMatchObject({ status: 'succeeded', result });
	});

	it('gives the result of a job that ended before anyone waited', async () => {
		consume(async () => result);
		const { jobId, expectation } = await submit();
		await expectation.outcome(10_000);
		expect(await waiter.expect(jobId).outcome(10_000)).toMatchObject({ status: 'succeeded', result });
	});

	it('gives a lasting failure at once, without another attempt', async () => {
		let runs = 0;
		consume(async () => {
			runs += 1;
			throw new AppError('corrupt_media', { detail: 'broken' });
		});
		const { expectation } = await submit();
		expect(await expectation.outcome(10_000)).toMatchObject({
			status: 'failed',
			error: { code: 'corrupt_media', detail: 'broken', retryable: false },
		});
		expect(runs).toBe(1);
	});

	it('tries a passing failure again, and gives the result of the attempt that works', async () => {
		const attempts: number[] = [];
		consume(async (_data, { attempt }) => {
			attempts.push(attempt);
			if (attempt < 3) throw new AppError('download_timeout');
			return result;
		});
		const { expectation } = await submit();
		expect(await expectation.outcome(20_000)).toMatchObject({ status: 'succeeded' });
		expect(attempts).toEqual([1, 2, 3]);
	});

	it('hides unknown errors behind `internal` after the last attempt', async () => {
		let runs = 0;
		consume(async () => {
			runs += 1;
			throw new Error('secret inner text');
		});
		const { expectation } = await submit();
		const outcome = await expectation.outcome(20_000);
		expect(outcome).toMatchObject({ status: 'failed', error: { code: 'internal', retryable: true } });
		expect(runs).toBe(3);
	});

	it('ends when the job is removed', async () => {
		const { jobId, expectation } = await submit();
		const ended = expect(expectation.outcome(10_000)).rejects.toMatchObject({ code: 'internal' });
		await rawQueue().remove(jobId);
		await ended;
	});

	it('ends when the time is over, and leaves the job in the queue', async () => {
		const { jobId, expectation } = await submit();
		await expect(expectation.outcome(50)).rejects.toMatchObject({ code: 'wait_timeout' });
		expect(await rawQueue().getJob(jobId)).toBeDefined();
	});

	it('ends when the process stops', async () => {
		const { expectation } = await submit();
		const ended = expect(expectation.outcome(10_000)).rejects.toMatchObject({ code: 'shutting_down' });
		await waiter.close();
		await ended;
	});

	it('loses no answer when the event is lost', async () => {
		const jobId = randomUUID();
		const outcome = waiter.expect(jobId).outcome(20_000);
		// Nothing announces this one.
		await results.finish(jobId, succeeded());
		expect(await outcome).toMatchObject({ status: 'succeeded' });
	});
});

describe('the queue', () => {
	it('takes synchronous jobs before asynchronous ones, and these before batches', async () => {
		const ids = ['batch', 'normal', 'sync', 'batch', 'normal', 'sync'] as const;
		const urgencyOf = new Map<string, string>();
		const outcomes: Promise<JobOutcome>[] = [];
		for (const urgency of ids) {
			const { jobId, expectation } = await submit(urgency);
			urgencyOf.set(jobId, urgency);
			outcomes.push(expectation.outcome(20_000));
		}
		const order: string[] = [];
		consume(async (_data, { jobId }) => {
			order.push(urgencyOf.get(jobId) ?? 'unknown');
			return result;
		});
		await Promise.all(outcomes);
		expect(order).toEqual(['sync', 'sync', 'normal', 'normal', 'batch', 'batch']);
	});

	it('adds one job for one id', async () => {
		const jobId = randomUUID();
		await submit('sync', jobId);
		await submit('sync', jobId);
		expect(await producer.depth('detect')).toBe(1);
	});

	it('keeps a few hundred bytes of each job, and a summary of its result', async () => {
		consume(async () => result);
		const { jobId, expectation } = await submit();
		await expectation.outcome(10_000);
		const stored = rawQueue();
		await expect.poll(async () => (await stored.getJob(jobId))?.returnvalue).toEqual({ frames: 1, faces: 0 });
		expect(JSON.stringify((await stored.getJob(jobId))?.data).length).toBeLessThan(500);
	});

	it('counts what waits, and how long', async () => {
		await submit('sync');
		await submit('batch');
		const { counts, oldestWaitingSeconds } = await producer.statistics('detect');
		expect(counts).toMatchObject({ prioritized: 2, active: 0 });
		expect(oldestWaitingSeconds).toBeGreaterThanOrEqual(0);
	});

	it('fails a job whose data it does not understand', async () => {
		consume(async () => result);
		const jobId = randomUUID();
		const outcome = waiter.expect(jobId).outcome(20_000);
		await rawQueue().add('detect', { source: 'what?' }, { jobId });
		expect(await outcome).toMatchObject({ status: 'failed', error: { code: 'internal' } });
	});

	it('keeps the result of a run that ended badly after it was stored', async () => {
		let runs = 0;
		let endings = 0;
		consume(
			async () => {
				runs += 1;
				if (runs > 1)
					throw new AppError('internal', { detail: 'the inline image is gone', retryable: false });
				return result;
			},
			{
				onEnd: async () => {
					endings += 1;
					if (endings === 1) throw new Error('died before BullMQ was told');
				},
			},
		);
		const { jobId, expectation } = await submit();
		await expectation.outcome(10_000);
		const queue = rawQueue();
		await expect
			.poll(async () => (await queue.getJob(jobId))?.getState(), { timeout: 10_000 })
			.toBe('completed');
		expect(await results.get(jobId)).toMatchObject({ status: 'succeeded', result });
		expect(runs).toBe(1);
	});

	it('hands a job back when its worker must stop, and another finishes it', async () => {
		let started: () => void = () => {};
		const running = new Promise<void>((resolve) => {
			started = resolve;
		});
		const first = consume(async (_data, { signal }) => {
			started();
			return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
		});
		const { expectation } = await submit();
		await running;
		await first.close(50);
		consume(async () => result);
		expect(await expectation.outcome(10_000)).toMatchObject({ status: 'succeeded' });
	});
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
	const canceled = (): JobOutcome => ({
		status: 'canceled',
		error: { code: 'canceled' },
		job: succeeded().job,
	});

	it('is the first outcome and no other', async () => {
		expect(await results.finish('a', canceled())).toBe(true);
		expect(await results.finish('a', succeeded())).toBe(false);
		expect(await results.get('a')).toMatchObject({ status: 'canceled' });
	});

	it('leaves a message to whoever wants to hear of it, once', async () => {
		const webhook = { url: 'https://example.com/hook' };
		await results.finish('a', succeeded({ owner: 'key_1', webhook }));
		await results.finish('a', canceled());
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
		await results.finish('1.1', { ...canceled(), job: succeeded(facts).job });
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
		const { jobId, expectation } = await submit('normal');
		expect(await new JobControl(queues, results, prefix).end(jobId, 'canceled')).toMatchObject(job);
		expect(await expectation.outcome(10_000)).toMatchObject({ status: 'canceled' });
		expect(await producer.depth('detect')).toBe(0);
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
		consume(
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
		const { jobId, expectation } = await submit();
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
		await producer.add('detect', waiting, { ...job, deadline: Date.now() - 1 });
		await control.watchDeadline(waiting, Date.now() - 1);
		expect(await control.overdue(10)).toEqual([waiting]);
		await control.end(waiting, 'expired');
		expect(await control.overdue(10)).toEqual([]);
		expect(await results.get(waiting)).toMatchObject({ status: 'expired' });

		const outcome = waiter.expect(running).outcome(10_000);
		await producer.add('detect', running, { ...job, deadline: Date.now() + 300 });
		consume(
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

describe('reading jobs', () => {
	it('shows a job from its beginning to its end', async () => {
		const reader = new JobReader(queues, results);
		const { jobId } = await submit('normal');
		const next = (await submit('normal')).jobId;
		expect(await reader.read(jobId)).toMatchObject({ status: 'queued', attempts: 0, data: job });
		expect(await reader.position(jobId)).toBe(0);
		expect(await reader.position(next)).toBe(1);
		const urgent = (await submit('sync')).jobId;
		expect(await reader.position(urgent)).toBe(0);
		expect(await reader.position(next)).toBe(2);
		let seen: unknown;
		const { expectation } = await submit('batch');
		consume(async (_data, { jobId: id }) => {
			if (id === jobId) seen = await reader.read(id);
			return result;
		});
		await expectation.outcome(10_000);
		expect(seen).toMatchObject({ status: 'processing', attempts: 1 });
		expect(await reader.read(jobId)).toMatchObject({
			status: 'succeeded',
			outcome: { job: { attempts: 1 } },
		});
		expect(await reader.read('unknown')).toBeUndefined();
	});

	it('lists the jobs of one caller, newest first, a page at a time', async () => {
		const index = new JobIndex(redis, { prefix, ttlSeconds: 60 });
		const now = Date.now();
		await index.add(
			['a', 'b', 'c', 'd'].map((id, position) => ({
				id,
				owner: 'one',
				tag: id < 'c' ? 'early' : undefined,
				createdAt: now + position,
			})),
		);
		await index.add([{ id: 'x', owner: 'two', createdAt: now }]);
		const page = async (options: Parameters<JobIndex['page']>[1]) =>
			(await index.page('one', options)).map(({ id }) => id);
		expect(await page({ limit: 3 })).toEqual(['d', 'c', 'b']);
		expect(await page({ limit: 3, after: { id: 'b', createdAt: now + 1 } })).toEqual(['a']);
		expect(await page({ limit: 3, tag: 'early' })).toEqual(['b', 'a']);
		expect(await index.has('two', 'a')).toBe(false);
		await index.remove({ id: 'b', owner: 'one', tag: 'early' });
		expect(await page({ limit: 3, tag: 'early' })).toEqual(['a']);
		// The page goes on where the erased job was.
		expect(await page({ limit: 1, after: { id: 'b', createdAt: now + 1 } })).toEqual(['a']);
		expect(await page({ limit: 9 })).toEqual(['d', 'c', 'a']);
	});
});
