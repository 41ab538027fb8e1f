import { AppError } from '@facet/contracts';
import type { Redis } from 'ioredis';
import { redisKeys } from './keys.ts';
import { RedisScript } from './redis-script.ts';

/**
 * A process that dies between reserving and adding its jobs leaves them counted. They are forgotten when their caller
 * has made no other job for this long.
 */
const FORGOTTEN_AFTER_SECONDS = 86_400;

/** Answers how many are in flight without the new ones, and adds these when there is room. */
const RESERVE = new RedisScript(`
local inFlight = math.max(0, tonumber(redis.call('GET', KEYS[1]) or '0'))
if inFlight + tonumber(ARGV[1]) <= tonumber(ARGV[2]) then
	redis.call('SET', KEYS[1], inFlight + tonumber(ARGV[1]), 'EX', ARGV[3])
end
return inFlight
`);

const RELEASE = new RedisScript(`
if redis.call('DECRBY', KEYS[1], ARGV[1]) <= 0 then redis.call('DEL', KEYS[1]) end
`);

export interface Reservation {
	readonly owner: string;
	/** New jobs. */
	readonly count: number;
	/** Most jobs in flight of this caller; undefined for as many as it likes, which are not counted. */
	readonly limit: number | undefined;
}

/**
 * Counts the jobs of those callers that may have only so many unfinished at once. What is reserved here is given back by
 * the end of each job, in the script that stores its outcome; such jobs carry `counted`.
 */
export class JobsInFlight {
	readonly #redis: Redis;
	readonly #keyOf: (owner: string) => string;

	constructor(redis: Redis, options: { readonly prefix: string }) {
		this.#redis = redis;
		this.#keyOf = redisKeys(options.prefix).inFlight;
	}

	/**
	 * Makes room for `count` jobs of a caller, all or none of them.
	 *
	 * @param limit - most jobs in flight of this caller.
	 * @throws AppError `too_many_jobs`, not retryable when so many can never be in flight; `queue_unavailable`.
	 */
	async reserve(owner: string, count: number, limit: number): Promise<void> {
		const inFlight = Number(await this.#run(RESERVE, owner, [count, limit, FORGOTTEN_AFTER_SECONDS]));
		if (inFlight + count <= limit) return;
		throw new AppError('too_many_jobs', {
			detail: `expected at most ${limit} jobs in flight, received ${count} more to the ${inFlight} there are`,
			retryable: count <= limit,
		});
	}

	/**
	 * Adds jobs with room made for them before, which is given back when they are not added after all.
	 *
	 * @param add - is told whether the jobs are counted, which their data must carry.
	 * @throws AppError as `reserve`, and whatever `add` throws.
	 */
	async whileReserved<T>(
		{ owner, count, limit }: Reservation,
		add: (counted: boolean) => Promise<T>,
	): Promise<T> {
		if (limit === undefined) return add(false);
		await this.reserve(owner, count, limit);
		try {
			return await add(true);
		} catch (error) {
			// What went wrong goes first; what Redis does not give back now it forgets in a day.
			await this.release(owner, count).catch(() => {});
			throw error;
		}
	}

	/** Takes a reservation back, of jobs that were not added after all. */
	async release(owner: string, count: number): Promise<void> {
		await this.#run(RELEASE, owner, [count]);
	}

	async #run(script: RedisScript, owner: string, values: readonly number[]): Promise<unknown> {
		try {
			return await script.run(this.#redis, [this.#keyOf(owner)], values);
		} catch (error) {
			throw new AppError('queue_unavailable', { cause: error });
		}
	}
}
