import type { Redis } from 'ioredis';
import { z } from 'zod';
import { type RedisKeys, redisKeys } from './keys.ts';
import { RedisScript } from './redis-script.ts';

/** What the index needs to know of a job. */
export interface IndexedJob {
	readonly id: string;
	readonly owner: string;
	readonly tag?: string | undefined;
	/** Milliseconds since the epoch. */
	readonly createdAt: number;
}

/** A place in the index: entries are in the order of their time, and of their ids where that is the same. */
export type IndexEntry = Pick<IndexedJob, 'id' | 'createdAt'>;

/**
 * The entries after one that may be gone by now: it is put back for the moment, to find its place. A page must neither
 * end early nor repeat anything because a job was erased while a caller turned the pages.
 */
const PAGE_AFTER = new RedisScript(`
local rank = redis.call('ZREVRANK', KEYS[1], ARGV[1])
local start
if rank then
	start = rank + 1
else
	redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
	start = redis.call('ZREVRANK', KEYS[1], ARGV[1])
	redis.call('ZREM', KEYS[1], ARGV[1])
end
return redis.call('ZREVRANGE', KEYS[1], start, start + ARGV[3] - 1, 'WITHSCORES')
`);

const pageSchema = z.array(z.string());

/** Jobs may wait for a day until they run: that is their deadline by default. */
const LONGEST_LIFE_SECONDS = 86_400;

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
		this.#ttlSeconds = LONGEST_LIFE_SECONDS + 2 * options.ttlSeconds;
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
	 * A page, newest first.
	 *
	 * @param after - the last entry of the page before.
	 */
	async page(
		owner: string,
		{
			tag,
			after,
			limit,
		}: { readonly tag?: string | undefined; readonly after?: IndexEntry | undefined; readonly limit: number },
	): Promise<IndexEntry[]> {
		const key = tag === undefined ? this.#keys.jobs(owner) : this.#keys.taggedJobs(owner, tag);
		const flat = after
			? pageSchema.parse(await PAGE_AFTER.run(this.#redis, [key], [after.id, after.createdAt, limit]))
			: await this.#redis.zrevrange(key, 0, limit - 1, 'WITHSCORES');
		return Array.from({ length: flat.length / 2 }, (_, index) => ({
			id: flat[2 * index] ?? '',
			createdAt: Number(flat[2 * index + 1]),
		}));
	}

	#setsOf(owner: string, tag: string | undefined): string[] {
		const all = this.#keys.jobs(owner);
		return tag === undefined ? [all] : [all, this.#keys.taggedJobs(owner, tag)];
	}
}
