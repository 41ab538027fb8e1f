import { randomUUID } from 'node:crypto';
import { AppError, type DetectJob, type DetectResult, type JobOutcome, type Logger } from '@facet/contracts';
import {
	connectConsumer,
	connectProducer,
	JobConsumer,
	type JobHandler,
	JobProducer,
	JobWaiter,
	ResultStore,
} from '@facet/queue';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';

const logger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const options = { numFrames: 5, returnFaceUrl: false, singleFace: false };
const job: DetectJob = { source: { kind: 'url', url: 'https://example.com/photo.jpg' }, options };
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
let producer: JobProducer;
let waiter: JobWaiter;
let closers: (() => Promise<unknown> | unknown)[];

beforeEach(async () => {
	prefix = `{test-${randomUUID()}}`;
	closers = [];
	redis = connectProducer(inject('redisUrl'), logger);
	await new Promise((resolve) => redis.once('ready', resolve));
	results = new ResultStore(redis, { prefix, ttlSeconds: 60 });
	producer = new JobProducer({ redis, prefix, attempts: 3, keepSeconds: 60, logger });
	const waiterRedis = connectConsumer(inject('redisUrl'), logger);
	waiter = JobWaiter.start('detect', { redis: waiterRedis, prefix, results, logger });
	closers.push(
		() => redis.disconnect(),
		() => waiterRedis.disconnect(),
		() => producer.close(),
		() => waiter.close(),
	);
});

afterEach(async () => {
	for (const close of closers.reverse()) await close();
});

function consume(handler: JobHandler<'detect'>, onEnd?: () => Promise<void>): JobConsumer<'detect'> {
	const consumerRedis = connectConsumer(inject('redisUrl'), logger);
	const consumer = new JobConsumer('detect', {
		redis: consumerRedis,
		prefix,
		concurrency: 1,
		lockMs: 10_000,
		results: new ResultStore(consumerRedis, { prefix, ttlSeconds: 60 }),
		handler,
		...(onEnd ? { onEnd } : {}),
		logger,
	});
	closers.push(
		() => consumerRedis.disconnect(),
		() => consumer.close(5000),
	);
	return consumer;
}

/** BullMQ's own view of the queue. */
function rawQueue(): Queue {
	const queue = new Queue('detect', { connection: redis, prefix });
	closers.push(() => queue.close());
	return queue;
}

async function submit(urgency: 'sync' | 'async' | 'batch' = 'sync', jobId: string = randomUUID()) {
	const expectation = waiter.expect(jobId);
	await producer.add('detect', jobId, job, urgency);
	return { jobId, expectation };
}

describe('waiting for a job', () => {
	it('gives the stored result', async () => {
		consume(async () => result);
		const { expectation } = await submit();
		expect(await expectation.outcome(10_000)).toEqual({ status: 'succeeded', result });
	});

	it('gives the result of a job that ended before anyone waited', async () => {
		consume(async () => result);
		const { jobId, expectation } = await submit();
		await expectation.outcome(10_000);
		expect(await waiter.expect(jobId).outcome(10_000)).toEqual({ status: 'succeeded', result });
	});

	it('gives a lasting failure at once, without another attempt', async () => {
		let runs = 0;
		consume(async () => {
			runs += 1;
			throw new AppError('corrupt_media', { detail: 'broken' });
		});
		const { expectation } = await submit();
		expect(await expectation.outcome(10_000)).toEqual({
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
		expect(outcome).toEqual({ status: 'failed', error: { code: 'internal', retryable: true } });
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
		await results.put(jobId, { status: 'succeeded', result });
		expect(await outcome).toMatchObject({ status: 'succeeded' });
	});
});

describe('the queue', () => {
	it('takes synchronous jobs before asynchronous ones, and these before batches', async () => {
		const ids = ['batch', 'async', 'sync', 'batch', 'async', 'sync'] as const;
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
		expect(order).toEqual(['sync', 'sync', 'async', 'async', 'batch', 'batch']);
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
		expect(counts).toMatchObject({ waiting: 1, prioritized: 1, active: 0 });
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
			async () => {
				endings += 1;
				if (endings === 1) throw new Error('died before BullMQ was told');
			},
		);
		const { jobId, expectation } = await submit();
		await expectation.outcome(10_000);
		const queue = rawQueue();
		await expect
			.poll(async () => (await queue.getJob(jobId))?.getState(), { timeout: 10_000 })
			.toBe('completed');
		expect(await results.get(jobId)).toEqual({ status: 'succeeded', result });
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
		await short.put('job', { status: 'succeeded', result });
		expect(await short.get('job')).toMatchObject({ status: 'succeeded' });
		await expect.poll(() => short.get('job'), { timeout: 5000 }).toBeUndefined();
	});

	it('tells which of many jobs have ended', async () => {
		await results.put('b', { status: 'succeeded', result });
		expect(await results.finished(['a', 'b', 'c'])).toEqual(['b']);
	});
});
