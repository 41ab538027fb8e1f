import type { Redis } from 'ioredis';
import { type RedisKeys, redisKeys } from './keys.ts';

/** What the index needs to know of a job. */
export interface IndexedJob {
	readonly id: string;
	readonly owner: string;
	readonly tag?: string | undefined;
	/** Milliseconds since the epoch. */
	readonly createdAt: number;
}

/**
 * Which jobs a caller has made, newest first. Entries outlive results by as much again, so that one that has expired can
 * be told from one that never was.
 */
export class JobIndex {
	readonly #redis: Redis;
	readonly #keys: RedisKeys;
	readonly #ttlSeconds: number;

	/** @param options - `ttlSeconds` is the life of results. */
	constructor(redis: Redis, options: { readonly prefix: string; readonly ttlSeconds: number }) {
		this.#redis = redis;
		this.#keys = redisKeys(options.prefix);
		this.#ttlSeconds = 2 * options.ttlSeconds;
	}

	/** Enters jobs, in one round trip, and drops the entries that are too old. */
	async add(jobs: readonly IndexedJob[]): Promise<void> {
		const pipeline = this.#redis.pipeline();
		const sets = new Set<string>();
		for (const { id, owner, tag, createdAt } of jobs) {
			for (const key of this.#setsOf(owner, tag)) {
				pipeline.zadd(key, createdAt, id);
				sets.add(key);
			}
		}
		const oldest = Date.now() - this.#ttlSeconds * 1000;
		for (const key of sets) {
			pipeline.zremrangebyscore(key, 0, oldest);
			pipeline.expire(key, this.#ttlSeconds);
		}
		for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
	}

	async remove({ id, owner, tag }: Omit<IndexedJob, 'createdAt'>): Promise<void> {
		const pipeline = this.#redis.pipeline();
		for (const key of this.#setsOf(owner, tag)) pipeline.zrem(key, id);
		await pipeline.exec();
	}

	/** Whether the caller has made such a job lately. */
	async has(owner: string, id: string): Promise<boolean> {
		return (await this.#redis.zscore(this.#keys.jobs(owner), id)) !== null;
	}

	/**
	 * A page of ids, newest first.
	 *
	 * @param after - the last id of the page before.
	 */
	async page(
		owner: string,
		{ tag, after, limit }: { readonly tag?: string; readonly after?: string; readonly limit: number },
	): Promise<string[]> {
		const key = tag === undefined ? this.#keys.jobs(owner) : this.#keys.taggedJobs(owner, tag);
		if (after === undefined) return this.#redis.zrevrange(key, 0, limit - 1);
		const rank = await this.#redis.zrevrank(key, after);
		// The entry has gone meanwhile, and with it all that is older.
		if (rank === null) return [];
		return this.#redis.zrevrange(key, rank + 1, rank + limit);
	}

	#setsOf(owner: string, tag: string | undefined): string[] {
		const all = this.#keys.jobs(owner);
		return tag === undefined ? [all] : [all, this.#keys.taggedJobs(owner, tag)];
	}
}
