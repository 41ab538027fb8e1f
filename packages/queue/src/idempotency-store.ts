import { AppError } from '@facet/contracts';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { redisKeys } from './keys.ts';
import { RedisScript } from './redis-script.ts';

/** What a request with an idempotency key finds. */
export type IdempotencyClaim =
	/** It makes the thing, under this id: its own, or that of an identical request which died before it was done. */
	| { readonly kind: 'mine'; readonly id: string }
	/** An identical request has made it. */
	| { readonly kind: 'done'; readonly id: string }
	/** An identical request is making it now. */
	| { readonly kind: 'busy' }
	/** The key belongs to another request. */
	| { readonly kind: 'mismatch' };

/** A key as its owner used it. */
export interface IdempotencyKey {
	/** Id of the caller. */
	readonly owner: string;
	/** The caller's own text. */
	readonly key: string;
}

const KEY_TTL_SECONDS = 86_400;
/** A request that has not renewed its claim for this long is taken for dead. */
const LEASE_MS = 5000;
/** How often to renew, in milliseconds: a renewal may come late by as much again. */
export const IDEMPOTENCY_RENEWAL_MS = LEASE_MS / 3;

const CLAIM = new RedisScript(`
local digest, id, state, lease = unpack(redis.call('HMGET', KEYS[1], 'digest', 'id', 'state', 'leaseUntil'))
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if digest and digest ~= ARGV[1] then return {'mismatch', id} end
if state == 'done' then return {'done', id} end
if digest and tonumber(lease) > now then return {'busy', id} end
id = id or ARGV[2]
redis.call('HSET', KEYS[1], 'digest', ARGV[1], 'id', id, 'state', 'open', 'leaseUntil', now + ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return {'mine', id}
`);

const RENEW = new RedisScript(`
if redis.call('HGET', KEYS[1], 'state') ~= 'open' then return end
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'leaseUntil', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1])
`);

const COMPLETE = new RedisScript(`
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'id', ARGV[1], 'state', 'done') end
`);

const ABANDON = new RedisScript(`
if redis.call('HGET', KEYS[1], 'state') ~= 'open' then return end
if ARGV[1] == 'forget' then redis.call('DEL', KEYS[1]) else redis.call('HSET', KEYS[1], 'leaseUntil', 0) end
`);

const replySchema = z.tuple([z.enum(['mine', 'done', 'busy', 'mismatch']), z.string()]);

/**
 * Remembers for a day what was made for each idempotency key of a caller, by its id and by a digest of the request. The
 * id is known before anything is made under it, so that a request which died midway is finished by the next one like it.
 * Every method throws AppError `queue_unavailable` when Redis is away.
 */
export class IdempotencyStore {
	readonly #redis: Redis;
	readonly #keyOf: (owner: string, key: string) => string;

	constructor(redis: Redis, options: { readonly prefix: string }) {
		this.#redis = redis;
		this.#keyOf = redisKeys(options.prefix).idempotency;
	}

	/**
	 * Asks for the key. Who gets it as `mine` renews it while it works, and ends with `complete` or `abandon`.
	 *
	 * @param digest - tells the request from others; that of another kind of request must differ too.
	 * @param newId - id of what the request makes if it is the first.
	 */
	async claim(key: IdempotencyKey, digest: string, newId: string): Promise<IdempotencyClaim> {
		const reply = await this.#run(CLAIM, key, [digest, newId, LEASE_MS, KEY_TTL_SECONDS]);
		const [kind, id] = replySchema.parse(reply);
		return kind === 'mine' || kind === 'done' ? { kind, id } : { kind };
	}

	/** Says that the request is still at it. */
	async renew(key: IdempotencyKey): Promise<void> {
		await this.#run(RENEW, key, [LEASE_MS]);
	}

	/** Says that it is made, and under which id in the end. */
	async complete(key: IdempotencyKey, id: string): Promise<void> {
		await this.#run(COMPLETE, key, [id]);
	}

	/**
	 * Gives the key back.
	 *
	 * @param memory - `forget`: nothing was made, and the key may serve another request; `keep`: perhaps it was, and the
	 * next request like it goes on under the same id.
	 */
	async abandon(key: IdempotencyKey, memory: 'forget' | 'keep'): Promise<void> {
		await this.#run(ABANDON, key, [memory]);
	}

	async #run(script: RedisScript, { owner, key }: IdempotencyKey, values: readonly (string | number)[]) {
		try {
			return await script.run(this.#redis, [this.#keyOf(owner, key)], values);
		} catch (error) {
			throw new AppError('queue_unavailable', { cause: error });
		}
	}
}
