import { createHash, randomBytes } from 'node:crypto';
import { AppError } from '@facet/contracts';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { ExpiringCache } from './expiring-cache.ts';
import { type RedisKeys, redisKeys } from './keys.ts';
import { RedisScript } from './redis-script.ts';

/** A caller with a stored key. Of the key itself only the SHA-256 is kept, as the field that holds this record. */
const callerRecordSchema = z.object({
	/** `key_…`; the owner of the caller's jobs. */
	id: z.string().min(1),
	name: z.string(),
	/** In milliseconds since the epoch, as all times here. */
	createdAt: z.int(),
	/** Newest first. One that was replaced goes on signing until its time is over. */
	webhookSecrets: z.array(z.object({ secret: z.string().min(1), expiresAt: z.int().optional() })),
	/** 0 for none; the service's own limit when absent. */
	rateLimitPerMinute: z.int().nonnegative().optional(),
	/** No limit when absent. */
	maxJobsInFlight: z.int().positive().optional(),
	revokedAt: z.int().optional(),
});

export type CallerRecord = z.infer<typeof callerRecordSchema>;
export type CallerLimits = Pick<CallerRecord, 'rateLimitPerMinute' | 'maxJobsInFlight'>;

/** How long a replaced webhook secret goes on signing, for receivers to take up the new one. */
const ROTATION_OVERLAP_MS = 24 * 3600 * 1000;
/** A revoked key is refused by every process after this time at most. */
const CACHE_MS = 2000;
/** Records, and what is not one: whoever tries many keys must not fill the memory. */
const CACHE_ENTRIES = 10_000;

/** What a stored key looks like: 32 random bytes in base64url. Other text is not looked up. */
const KEY = /^fct_[\w-]{43}$/;

/** Writes a record unless someone else has written it meanwhile. */
const REPLACE = new RedisScript(`
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
`);

/** Stored keys and the callers that they stand for: a hash in Redis, read through a cache of two seconds. */
export class CallerStore {
	readonly #redis: Redis;
	readonly #keys: RedisKeys;
	readonly #now: () => number;
	readonly #byDigest = new ExpiringCache<CallerRecord | undefined>(CACHE_MS, CACHE_ENTRIES);
	readonly #digestById = new ExpiringCache<string | null>(CACHE_MS, CACHE_ENTRIES);

	constructor(redis: Redis, options: { readonly prefix: string; readonly now?: () => number }) {
		this.#redis = redis;
		this.#keys = redisKeys(options.prefix);
		this.#now = options.now ?? Date.now;
	}

	/**
	 * The caller that a key stands for; undefined for an unknown key and for a revoked one. A key is found by its digest,
	 * so that the time of the search tells nothing of the keys there are.
	 *
	 * @throws AppError `queue_unavailable` while Redis is away and the answer is not known from a moment ago.
	 */
	async authenticate(key: string): Promise<CallerRecord | undefined> {
		if (!KEY.test(key)) return undefined;
		const record = await this.#read(digestOf(key));
		return record?.revokedAt === undefined ? record : undefined;
	}

	/**
	 * The caller with an id, revoked or not: its jobs outlive its key, and what they announce is signed.
	 *
	 * @throws AppError `queue_unavailable`.
	 */
	async find(id: string): Promise<CallerRecord | undefined> {
		const digest = await this.#digestById.get(id, () =>
			this.#ask((redis) => redis.hget(this.#keys.callerDigests, id)),
		);
		return digest === null ? undefined : this.#read(digest);
	}

	/** All callers, oldest first. For the command line: reads the whole hash. */
	async list(): Promise<CallerRecord[]> {
		const stored = await this.#ask((redis) => redis.hvals(this.#keys.callers));
		return stored.map(parseRecord).sort((a, b) => a.createdAt - b.createdAt);
	}

	/**
	 * Makes a caller.
	 *
	 * @returns its key, which is not to be had again, and its record with the webhook secret.
	 */
	async create(name: string, limits: CallerLimits = {}): Promise<{ key: string; record: CallerRecord }> {
		const key = `fct_${randomBytes(32).toString('base64url')}`;
		const record: CallerRecord = {
			id: `key_${randomBytes(8).toString('hex')}`,
			name,
			createdAt: this.#now(),
			webhookSecrets: [{ secret: newSecret() }],
			...limits,
		};
		const digest = digestOf(key);
		await this.#ask((redis) =>
			redis
				.multi()
				.hset(this.#keys.callers, digest, JSON.stringify(record))
				.hset(this.#keys.callerDigests, record.id, digest)
				.exec(),
		);
		return { key, record };
	}

	/** Switches a key off. A second time changes nothing. */
	async revoke(id: string): Promise<CallerRecord> {
		return this.#change(id, (record) => ({ ...record, revokedAt: record.revokedAt ?? this.#now() }));
	}

	/** Gives the caller a new webhook secret; those before go on signing for another day at most. */
	async rotateSecret(id: string): Promise<CallerRecord> {
		return this.#change(id, (record) => {
			const now = this.#now();
			const earlier = record.webhookSecrets
				.filter(({ expiresAt = Number.POSITIVE_INFINITY }) => expiresAt > now)
				.map(({ secret, expiresAt }) => ({ secret, expiresAt: expiresAt ?? now + ROTATION_OVERLAP_MS }));
			return { ...record, webhookSecrets: [{ secret: newSecret() }, ...earlier] };
		});
	}

	async #read(digest: string): Promise<CallerRecord | undefined> {
		return this.#byDigest.get(digest, async () => {
			const stored = await this.#ask((redis) => redis.hget(this.#keys.callers, digest));
			return stored === null ? undefined : parseRecord(stored);
		});
	}

	/** @throws AppError `not_found` when there is no such caller. */
	async #change(id: string, change: (record: CallerRecord) => CallerRecord): Promise<CallerRecord> {
		for (;;) {
			const digest = await this.#ask((redis) => redis.hget(this.#keys.callerDigests, id));
			const stored = digest && (await this.#ask((redis) => redis.hget(this.#keys.callers, digest)));
			if (!digest || !stored) throw new AppError('not_found', { detail: `no key with the id ${id}` });
			const record = change(parseRecord(stored));
			const reply = await this.#ask((redis) =>
				REPLACE.run(redis, [this.#keys.callers], [digest, stored, JSON.stringify(record)]),
			);
			if (reply === 1) return record;
		}
	}

	async #ask<T>(question: (redis: Redis) => Promise<T>): Promise<T> {
		try {
			return await question(this.#redis);
		} catch (error) {
			throw new AppError('queue_unavailable', { cause: error });
		}
	}
}

/** Those of a caller's webhook secrets that sign now, newest first. */
export function currentSecrets({ webhookSecrets }: CallerRecord, now = Date.now()): string[] {
	return webhookSecrets
		.filter(({ expiresAt = Number.POSITIVE_INFINITY }) => expiresAt > now)
		.map(({ secret }) => secret);
}

function parseRecord(stored: string): CallerRecord {
	const parsed = callerRecordSchema.safeParse(JSON.parse(stored));
	if (parsed.success) return parsed.data;
	throw new AppError('internal', { detail: 'a stored key of an unknown shape', cause: parsed.error });
}

function digestOf(key: string): string {
	return createHash('sha256').update(key).digest('hex');
}

/** As Standard Webhooks 1.0 writes symmetric secrets; a key as long as the digest of HMAC-SHA256. */
function newSecret(): string {
	return `whsec_${randomBytes(32).toString('base64')}`;
}
