import type { Redis } from 'ioredis';
import { redisKeys } from './keys.ts';

/** Longer than a job may run. */
const TTL_SECONDS = 86_400;

/**
 * Marks the runs of jobs that run with no other job in their worker. A mark that is still there when the job is taken
 * again was left by a worker that was lost, and nothing but this job can have done it.
 */
export class LoneRuns {
	readonly #redis: Redis;
	readonly #keyOf: (jobId: string) => string;

	constructor(redis: Redis, options: { readonly prefix: string }) {
		this.#redis = redis;
		this.#keyOf = redisKeys(options.prefix).loneRun;
	}

	/** Marks a run that begins. @returns false when an earlier one has never ended. */
	async begin(jobId: string): Promise<boolean> {
		return (await this.#redis.set(this.#keyOf(jobId), '1', 'EX', TTL_SECONDS, 'NX')) === 'OK';
	}

	/** The run is over, whatever came of it: the worker lives. */
	async end(jobId: string): Promise<void> {
		await this.#redis.del(this.#keyOf(jobId));
	}
}
