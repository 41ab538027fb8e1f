import { randomUUID } from 'node:crypto';
import { AppError } from '@facet/contracts';
import type { ResultStore } from '@facet/queue';
import { UnrecoverableError, Worker } from 'bullmq';
import { beforeEach, describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { emptyResult, QueueFixture, succeeded } from '../support/queue-fixture.ts';

let fixture: QueueFixture;
let results: ResultStore;

beforeEach(async () => {
	fixture = await QueueFixture.start(inject('redisUrl'));
	({ results } = fixture);
});

describe('waiting for a job', () => {
	it('gives the stored result', async () => {
		fixture.consume(async () => emptyResult);
		const { expectation } = await fixture.submit();
		expect(await expectation.outcome(10_000)).toMatchObject({ status: 'succeeded', result: emptyResult });
	});

	it('gives the result of a job that ended before anyone waited', async () => {
		fixture.consume(async () => emptyResult);
		const { jobId, expectation } = await fixture.submit();
		await expectation.outcome(10_000);
		expect(await fixture.waiter.expect(jobId).outcome(10_000)).toMatchObject({
			status: 'succeeded',
			result: emptyResult,
		});
	});

	it('gives a lasting failure at once, without another attempt', async () => {
		let runs = 0;
		fixture.consume(async () => {
			runs += 1;
			throw new AppError('corrupt_media', { detail: 'broken' });
		});
		const { expectation } = await fixture.submit();
		expect(await expectation.outcome(10_000)).toMatchObject({
			status: 'failed',
			error: { code: 'corrupt_media', detail: 'broken', retryable: false },
		});
		expect(runs).toBe(1);
	});

	it('tries a passing failure again, and gives the result of the attempt that works', async () => {
		const attempts: number[] = [];
		fixture.consume(async (_data, { attempt }) => {
			attempts.push(attempt);
			if (attempt < 3) throw new AppError('download_timeout');
			return emptyResult;
		});
		const { expectation } = await fixture.submit();
		expect(await expectation.outcome(20_000)).toMatchObject({ status: 'succeeded' });
		expect(attempts).toEqual([1, 2, 3]);
	});

	it('hides unknown errors behind `internal` after the last attempt', async () => {
		let runs = 0;
		fixture.consume(async () => {
			runs += 1;
			throw new Error('secret inner text');
		});
		const { expectation } = await fixture.submit();
		const outcome = await expectation.outcome(20_000);
		expect(outcome).toMatchObject({ status: 'failed', error: { code: 'internal', retryable: true } });
		expect(runs).toBe(3);
	});

	it('ends when the job is removed', async () => {
		const { jobId, expectation } = await fixture.submit();
		const ended = expect(expectation.outcome(10_000)).rejects.toMatchObject({ code: 'internal' });
		await fixture.rawQueue().remove(jobId);
		await ended;
	});

	it('ends when the queue has given the job up by itself, which leaves no outcome', async () => {
		const { jobId, expectation } = await fixture.submit();
		const ended = expect(expectation.outcome(10_000)).rejects.toMatchObject({ code: 'corrupt_media' });
		const queue = fixture.rawQueue();
		const connection = fixture.redis.duplicate({ maxRetriesPerRequest: null, enableOfflineQueue: true });
		const worker = new Worker('detect', undefined, { connection, prefix: fixture.prefix });
		onTestFinished(async () => {
			await worker.close();
			connection.disconnect();
		});
		const token = randomUUID();
		const job = await worker.getNextJob(token);
		expect(job?.id).toBe(jobId);
		await job?.moveToFailed(new UnrecoverableError('corrupt_media: broken'), token);
		expect(await queue.getJobState(jobId)).toBe('failed');
		await ended;
	});

	it('ends when the time is over, and leaves the job in the queue', async () => {
		const { jobId, expectation } = await fixture.submit();
		await expect(expectation.outcome(50)).rejects.toMatchObject({ code: 'wait_timeout' });
		expect(await fixture.rawQueue().getJob(jobId)).toBeDefined();
	});

	it('ends when the process stops', async () => {
		const { expectation } = await fixture.submit();
		const ended = expect(expectation.outcome(10_000)).rejects.toMatchObject({ code: 'shutting_down' });
		await fixture.waiter.close();
		await ended;
	});

	/** Waits for a job whose end nothing but the message tells. */
	async function expectMessage(jobId: string) {
		const outcome = fixture.waiter.expect(jobId).outcome(20_000);
		const channel = `${fixture.prefix}:ended`;
		await expect.poll(() => fixture.redis.pubsub('NUMSUB', channel)).toEqual([channel, 1]);
		vi.spyOn(results, 'ended').mockResolvedValue([]);
		return { outcome, reads: vi.spyOn(results, 'get') };
	}

	it('ends with the message that the outcome is written, which has it in it', async () => {
		const jobId = randomUUID();
		const { outcome, reads } = await expectMessage(jobId);
		await results.finish(jobId, succeeded());
		expect(await outcome).toEqual(await fixture.results.look(jobId));
		expect(reads).not.toHaveBeenCalled();
	});

	it('reads an outcome that is too large for a message, and one that cannot be read in it', async () => {
		const large = randomUUID();
		const { outcome, reads } = await expectMessage(large);
		const model = Array.from({ length: 300 }, () => randomUUID()).join();
		await results.finish(large, succeeded({}, { model }));
		expect(await outcome).toMatchObject({ result: { model } });
		expect(reads).toHaveBeenCalledOnce();

		const damaged = randomUUID();
		await fixture.redis.copy(`${fixture.prefix}:result:${large}`, `${fixture.prefix}:result:${damaged}`);
		const second = fixture.waiter.expect(damaged).outcome(20_000);
		await fixture.redis.publish(`${fixture.prefix}:ended`, `${damaged}\nnot an outcome`);
		expect(await second).toMatchObject({ status: 'succeeded' });
		expect(reads).toHaveBeenCalledTimes(2);
	});

	it('reads the outcome again when Redis is away for a moment, and says so when it stays away', async () => {
		const jobId = randomUUID();
		await results.finish(jobId, succeeded());
		const read = vi.spyOn(results, 'get').mockRejectedValueOnce(new Error('away'));
		expect(await fixture.waiter.expect(jobId).outcome(20_000)).toMatchObject({ status: 'succeeded' });
		read.mockRejectedValue(new Error('away'));
		const ended = fixture.waiter.expect(jobId).outcome(20_000);
		await expect(ended).rejects.toMatchObject({ code: 'queue_unavailable' });
	});

	it('loses no answer when nothing tells it', async () => {
		const [jobId, other] = [randomUUID(), randomUUID()];
		const outcome = fixture.waiter.expect(jobId).outcome(20_000);
		await results.finish(other, succeeded());
		await fixture.redis.copy(`${fixture.prefix}:result:${other}`, `${fixture.prefix}:result:${jobId}`);
		expect(await outcome).toMatchObject({ status: 'succeeded' });
	});
});
