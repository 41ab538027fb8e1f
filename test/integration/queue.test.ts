import { randomUUID } from 'node:crypto';
import { AppError, type JobOutcome } from '@facet/contracts';
import { JobIndex, type JobProducer, JobReader, type Queues, type ResultStore } from '@facet/queue';
import { beforeEach, describe, expect, inject, it } from 'vitest';
import { anyJob, emptyResult, QueueFixture } from '../support/queue-fixture.ts';

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

describe('the queue', () => {
	it('takes synchronous jobs before asynchronous ones, and these before batches', async () => {
		const ids = ['batch', 'normal', 'sync', 'batch', 'normal', 'sync'] as const;
		const urgencyOf = new Map<string, string>();
		const outcomes: Promise<JobOutcome>[] = [];
		for (const urgency of ids) {
			const { jobId, expectation } = await fixture.submit(urgency);
			urgencyOf.set(jobId, urgency);
			outcomes.push(expectation.outcome(20_000));
		}
		const order: string[] = [];
		fixture.consume(async (_data, { jobId }) => {
			order.push(urgencyOf.get(jobId) ?? 'unknown');
			return emptyResult;
		});
		await Promise.all(outcomes);
		expect(order).toEqual(['sync', 'sync', 'normal', 'normal', 'batch', 'batch']);
	});

	it('tells the handler in each attempt whether a client holds a connection open for the job', async () => {
		const urgencies = ['sync', 'high', 'normal', 'low', 'batch'] as const;
		const submitted = await Promise.all(urgencies.map((urgency) => fixture.submit(urgency)));
		const told = new Map<string, boolean[]>();
		fixture.consume(
			async (_data, { jobId, attempt, isUrgent }) => {
				told.set(jobId, [...(told.get(jobId) ?? []), isUrgent]);
				if (attempt === 1) throw new AppError('storage_unavailable');
				return emptyResult;
			},
			{ concurrency: urgencies.length },
		);
		await Promise.all(submitted.map(({ expectation }) => expectation.outcome(20_000)));
		expect(submitted.map(({ jobId }) => told.get(jobId))).toEqual([
			[true, true],
			...Array(4).fill([false, false]),
		]);
	});

	it('adds one job for one id', async () => {
		const jobId = randomUUID();
		await fixture.submit('sync', jobId);
		await fixture.submit('sync', jobId);
		expect(await producer.waiting()).toBe(1);
	});

	it('keeps a few hundred bytes of each job, and a summary of its result', async () => {
		fixture.consume(async () => emptyResult);
		const { jobId, expectation } = await fixture.submit();
		await expectation.outcome(10_000);
		const stored = fixture.rawQueue();
		await expect.poll(async () => (await stored.getJob(jobId))?.returnvalue).toEqual({ frames: 1, faces: 0 });
		expect(JSON.stringify((await stored.getJob(jobId))?.data).length).toBeLessThan(500);
	});

	it('counts what waits, and how long', async () => {
		await fixture.submit('sync');
		await fixture.submit('batch');
		const { counts, oldestWaitingSeconds } = await producer.statistics('detect');
		expect(counts).toMatchObject({ prioritized: 2, active: 0 });
		expect(oldestWaitingSeconds).toBeGreaterThanOrEqual(0);
	});

	it('fails a job whose data it does not understand', async () => {
		fixture.consume(async () => emptyResult);
		const jobId = randomUUID();
		const outcome = fixture.waiter.expect(jobId).outcome(20_000);
		await fixture.rawQueue().add('detect', { source: 'what?' }, { jobId });
		expect(await outcome).toMatchObject({ status: 'failed', error: { code: 'internal' } });
	});

	it('keeps the result of a run that ended badly after it was stored', async () => {
		let runs = 0;
		let endings = 0;
		fixture.consume(
			async () => {
				runs += 1;
				if (runs > 1)
					throw new AppError('internal', { detail: 'the inline image is gone', retryable: false });
				return emptyResult;
			},
			{
				onEnd: async () => {
					endings += 1;
					if (endings === 1) throw new Error('died before BullMQ was told');
				},
			},
		);
		const { jobId, expectation } = await fixture.submit();
		await expectation.outcome(10_000);
		const queue = fixture.rawQueue();
		await expect
			.poll(async () => (await queue.getJob(jobId))?.getState(), { timeout: 10_000 })
			.toBe('completed');
		expect(await results.get(jobId)).toMatchObject({ status: 'succeeded', result: emptyResult });
		expect(runs).toBe(1);
	});

	it('hands a job back when its worker must stop, and another finishes it', async () => {
		let started: () => void = () => {};
		const running = new Promise<void>((resolve) => {
			started = resolve;
		});
		const first = fixture.consume(async (_data, { signal }) => {
			started();
			return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
		});
		const { expectation } = await fixture.submit();
		await running;
		await first.close(50);
		fixture.consume(async () => emptyResult);
		expect(await expectation.outcome(10_000)).toMatchObject({ status: 'succeeded' });
	});
});

describe('reading jobs', () => {
	it('shows a job from its beginning to its end', async () => {
		const reader = new JobReader(queues, results);
		const { jobId } = await fixture.submit('normal');
		const next = (await fixture.submit('normal')).jobId;
		expect(await reader.read(jobId)).toMatchObject({ status: 'queued', attempts: 0, data: anyJob });
		expect(await reader.position(jobId)).toBe(0);
		expect(await reader.position(next)).toBe(1);
		const urgent = (await fixture.submit('sync')).jobId;
		expect(await reader.position(urgent)).toBe(0);
		expect(await reader.position(next)).toBe(2);
		let seen: unknown;
		const { expectation } = await fixture.submit('batch');
		fixture.consume(async (_data, { jobId: id }) => {
			if (id === jobId) seen = await reader.read(id);
			return emptyResult;
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
