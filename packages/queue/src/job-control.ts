import type { DetectJob } from '@facet/contracts';
import type { Job } from 'bullmq';
import { endedJobOf, parseJobData } from './job-facts.ts';
import { type RedisKeys, redisKeys } from './keys.ts';
import type { Queues } from './queues.ts';
import type { ResultStore } from './result-store.ts';

/** Ends jobs from outside: for their caller, or at their deadline. Throws AppError `queue_unavailable`. */
export class JobControl {
	readonly #queues: Queues;
	readonly #results: ResultStore;
	readonly #keys: RedisKeys;

	constructor(queues: Queues, results: ResultStore, prefix: string) {
		this.#queues = queues;
		this.#results = results;
		this.#keys = redisKeys(prefix);
	}

	/**
	 * Ends a job that has not ended. A waiting one leaves the queue; a running one is stopped by its worker, which finds
	 * the outcome there.
	 *
	 * @returns the job's data when it was this call that ended it and no worker has it: the caller drops its media.
	 */
	async end(jobId: string, status: 'canceled' | 'expired'): Promise<DetectJob | undefined> {
		return this.#queues.use('detect', async (queue) => {
			const job: Job | undefined = await queue.getJob(jobId);
			if (job === undefined) return undefined;
			const data = parseJobData('detect', job.data);
			const isRunning = await job.isActive();
			const isFirst = await this.#results.finish(jobId, {
				status,
				error: { code: status },
				job: endedJobOf(job, data, job.attemptsMade + (isRunning ? 1 : 0)),
			});
			// 0: a worker holds the lock, and cleans up.
			const removed = await queue.remove(jobId);
			return isFirst && removed === 1 ? data : undefined;
		});
	}

	/** Takes a job back that was just added, as if it had never been. */
	async withdraw(jobId: string): Promise<void> {
		await this.#queues.use('detect', (queue) => queue.remove(jobId));
		await this.forgetDeadline(jobId);
	}

	/** Sees to it that a job is ended at its deadline even if it waits until then. */
	async watchDeadline(jobId: string, deadline: number): Promise<void> {
		await this.#queues.use('detect', (_, redis) => redis.zadd(this.#keys.deadlines, deadline, jobId));
	}

	/** Jobs whose deadline is over, the oldest first. */
	async overdue(limit: number): Promise<string[]> {
		return this.#queues.use('detect', (_, redis) =>
			redis.zrangebyscore(this.#keys.deadlines, 0, Date.now(), 'LIMIT', 0, limit),
		);
	}

	/** No longer looks at a job's deadline. */
	async forgetDeadline(jobId: string): Promise<void> {
		await this.#queues.use('detect', (_, redis) => redis.zrem(this.#keys.deadlines, jobId));
	}
}
