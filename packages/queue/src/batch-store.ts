import { AppError } from '@facet/contracts';
import type { Redis } from 'ioredis';
import { type BatchRecord, type NewBatch, toBatchHash, toBatchRecord } from './batch-record.ts';
import { type RedisKeys, redisKeys } from './keys.ts';
import type { Queues } from './queues.ts';
import { RedisScript } from './redis-script.ts';

export interface BatchPage {
	readonly batches: readonly BatchRecord[];
	/** Asks for the next page; undefined on the last. */
	readonly next: string | undefined;
}

const CURSOR = /^(\d{1,16})\.([\w-]{1,64})$/;

/** Items end, at the latest, when a worker takes them after their deadline: nobody waits a week for a worker. */
const UNFINISHED_MARGIN_MS = 7 * 86_400_000;

/** Does nothing to a batch that has completed, or has gone. Answers whether it is canceled now. */
const CANCEL = new RedisScript(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if redis.call('HEXISTS', KEYS[1], 'completedAt') == 0 then redis.call('HSETNX', KEYS[1], 'canceledAt', ARGV[1]) end
return redis.call('HEXISTS', KEYS[1], 'canceledAt')
`);

/** Nobody is told of the end of a batch that its caller has deleted. */
const MARK_ERASED = new RedisScript(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'erasedAt', ARGV[1])
if redis.call('HEXISTS', KEYS[1], 'completedAt') == 0 then redis.call('HSETNX', KEYS[1], 'canceledAt', ARGV[1]) end
redis.call('HDEL', KEYS[1], 'completedMessage')
return 1
`);

/** Answers 1 when the expansion shall go on, 0 when the batch was canceled or has gone. */
const ADVANCE = new RedisScript(`
local batch, unexpanded = unpack(KEYS)
local id, expanded = unpack(ARGV)
if redis.call('EXISTS', batch) == 0 or redis.call('HEXISTS', batch, 'canceledAt') == 1 then return 0 end
redis.call('HSET', batch, 'expanded', expanded)
local left = tonumber(redis.call('HGET', batch, 'total')) - tonumber(expanded)
if left > 0 then redis.call('HSET', unexpanded, id, left) else redis.call('HDEL', unexpanded, id) end
return 1
`);

/**
 * Batches: facts, and counters that the script which ends a job moves. A batch is accepted when its record is there:
 * workers look for batches that are not expanded, so none waits for ever.
 *
 * Every method throws AppError `queue_unavailable` when Redis is away, and those that read batches `internal`, not retryable,
 * for a record that is none.
 */
export class BatchStore {
	readonly #queues: Queues;
	readonly #keys: RedisKeys;
	readonly #ttlSeconds: number;

	/** @param options - `ttlSeconds` is how long a completed batch is kept. */
	constructor(queues: Queues, options: { readonly prefix: string; readonly ttlSeconds: number }) {
		this.#queues = queues;
		this.#keys = redisKeys(options.prefix);
		this.#ttlSeconds = options.ttlSeconds;
	}

	async create(batch: NewBatch): Promise<void> {
		const { id, owner, total, createdAt, deadline = createdAt } = batch;
		const hash = this.#keys.batch(id);
		// The script that completes the batch makes its life shorter.
		const keptMs = Math.max(0, deadline - createdAt) + UNFINISHED_MARGIN_MS + this.#ttlSeconds * 1000;
		await this.#use(async (redis) => {
			const replies = await redis
				.multi()
				.hset(hash, toBatchHash(batch))
				.pexpire(hash, keptMs)
				.zadd(this.#keys.batches(owner), createdAt, id)
				// Completed ones go when they are listed; these nobody has listed.
				.zremrangebyscore(this.#keys.batches(owner), 0, createdAt - keptMs)
				.pexpire(this.#keys.batches(owner), keptMs)
				.hset(this.#keys.unexpandedBatches, id, total)
				.exec();
			for (const [error] of replies ?? []) if (error) throw error;
		});
	}

	/** @returns undefined for a batch that never was, has gone, or is marked as erased. */
	async read(batchId: string): Promise<BatchRecord | undefined> {
		const batch = await this.readAny(batchId);
		return batch?.erased ? undefined : batch;
	}

	/** As `read`, batches that are marked as erased included. */
	async readAny(batchId: string): Promise<BatchRecord | undefined> {
		return (await this.#readMany([batchId]))[0];
	}

	/**
	 * A page of a caller's batches, newest first.
	 *
	 * @param after - `next` of the page before.
	 * @throws AppError `invalid_request` when it is not.
	 */
	async page(
		owner: string,
		{ after, limit }: { readonly after?: string | undefined; readonly limit: number },
	): Promise<BatchPage> {
		const [ids, next] = await this.#idsAfter(owner, after, limit);
		const found = await this.#readMany(ids);
		const gone = ids.filter((_, index) => found[index] === undefined);
		if (gone.length > 0) await this.#use((redis) => redis.zrem(this.#keys.batches(owner), ...gone));
		return { batches: found.filter((batch) => batch !== undefined).filter(({ erased }) => !erased), next };
	}

	/** Items of all callers that were accepted and that no queue has yet, by their batches. */
	async unexpanded(): Promise<Map<string, number>> {
		const left = await this.#use((redis) => redis.hgetall(this.#keys.unexpandedBatches));
		return new Map(Object.entries(left).map(([id, items]) => [id, Number(items)]));
	}

	/**
	 * Notes how many items have their jobs.
	 *
	 * @returns whether the rest is wanted: false when the batch was canceled or deleted, and nothing is noted then.
	 */
	async advance(batchId: string, expanded: number): Promise<boolean> {
		const keys = [this.#keys.batch(batchId), this.#keys.unexpandedBatches];
		return this.#use(async (redis) => (await ADVANCE.run(redis, keys, [batchId, expanded])) === 1);
	}

	/** Forgets that items of the batch have no jobs: they need none. */
	async settle(batchId: string): Promise<void> {
		await this.#use((redis) => redis.hdel(this.#keys.unexpandedBatches, batchId));
	}

	/** @returns whether it is canceled, now or before; false when it has completed or gone. */
	async cancel(batchId: string): Promise<boolean> {
		return this.#mark(CANCEL, batchId);
	}

	/** Hides the batch, cancels it when it is unfinished, and leaves no message of its end. @returns false when it has gone. */
	async markErased(batchId: string): Promise<boolean> {
		return this.#mark(MARK_ERASED, batchId);
	}

	/** Deletes the record. */
	async erase({ id, owner }: Pick<BatchRecord, 'id' | 'owner'>): Promise<void> {
		await this.#use(async (redis) => {
			const replies = await redis
				.multi()
				.del(this.#keys.batch(id), this.#keys.batchRunning(id))
				.zrem(this.#keys.batches(owner), id)
				.hdel(this.#keys.unexpandedBatches, id)
				.exec();
			for (const [error] of replies ?? []) if (error) throw error;
		});
	}

	async #mark(script: RedisScript, batchId: string): Promise<boolean> {
		const keys = [this.#keys.batch(batchId)];
		return this.#use(async (redis) => (await script.run(redis, keys, [Date.now()])) === 1);
	}

	async #readMany(ids: readonly string[]): Promise<(BatchRecord | undefined)[]> {
		if (ids.length === 0) return [];
		return this.#use((redis) =>
			Promise.all(
				ids.map(async (id) => {
					const [hash, running] = await Promise.all([
						redis.hgetall(this.#keys.batch(id)),
						redis.scard(this.#keys.batchRunning(id)),
					]);
					return toBatchRecord(id, hash, running);
				}),
			),
		);
	}

	/** Ids behind a cursor, newest first, and the next cursor. Batches of one millisecond are in the order of their ids. */
	async #idsAfter(
		owner: string,
		cursor: string | undefined,
		limit: number,
	): Promise<[ids: string[], next: string | undefined]> {
		const after = cursor === undefined ? undefined : parseCursor(cursor);
		const key = this.#keys.batches(owner);
		const ids: string[] = [];
		let last: [id: string, createdAt: string] | undefined;
		for (let offset = 0; ; offset += limit + 1) {
			const page = await this.#use((redis) =>
				redis.zrevrangebyscore(
					key,
					after?.createdAt ?? '+inf',
					'-inf',
					'WITHSCORES',
					'LIMIT',
					offset,
					limit + 1,
				),
			);
			for (let place = 0; place < page.length; place += 2) {
				const [id = '', createdAt = ''] = page.slice(place, place + 2);
				if (after !== undefined && createdAt === after.createdAt && id >= after.id) continue;
				if (ids.length === limit) return [ids, last?.reverse().join('.')];
				ids.push(id);
				last = [id, createdAt];
			}
			if (page.length < 2 * (limit + 1)) return [ids, undefined];
		}
	}

	#use<T>(action: (redis: Redis) => Promise<T>): Promise<T> {
		return this.#queues.use('batch', (_, redis) => action(redis));
	}
}

/** The place of a batch in the list: its score and its id. */
function parseCursor(cursor: string): { createdAt: string; id: string } {
	const [, createdAt, id] = CURSOR.exec(cursor) ?? [];
	if (createdAt !== undefined && id !== undefined) return { createdAt, id };
	throw new AppError('invalid_request', { detail: 'cursor: expected the next_cursor of another page' });
}
