import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { AppError, type DeliveryRecord, deliveryRecordSchema, type WebhookMessage } from '@facet/contracts';
import type { Redis } from 'ioredis';
import { RedisScript } from './redis-script.ts';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** Longer than the whole retry schedule, so that no delivery is forgotten under way. */
const BEYOND_RESULT_SECONDS = 4 * 86_400;
/** A caller that goes on using an endpoint which is switched off sees it tried again after this time. */
const ENDPOINT_OFF_SECONDS = 90 * 86_400;
const RECORD = 'record';
const BODY = 'body';

/** Makes the records that are not there yet. */
const CREATE = new RedisScript(`
for index, key in ipairs(KEYS) do
	if redis.call('HSETNX', key, '${RECORD}', ARGV[index + 1]) == 1 then redis.call('EXPIRE', key, ARGV[1]) end
end
`);

/** Writes a record that is still there: one that was erased under way stays erased. */
const SAVE = new RedisScript(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], '${RECORD}', ARGV[2])
if ARGV[3] == 'drop' then redis.call('HDEL', KEYS[1], '${BODY}') end
if ARGV[3] == 'keep' then redis.call('HSET', KEYS[1], '${BODY}', ARGV[4]) end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
`);

/**
 * What has become of each webhook: a Redis hash by `webhook-id`, and the endpoints that want no more of them. Every method
 * throws AppError `queue_unavailable` when Redis does not answer.
 */
export class DeliveryStore {
	readonly #redis: Redis;
	readonly #prefix: string;
	readonly #ttlSeconds: number;

	/** @param options - `ttlSeconds` is the life of results; deliveries live four days longer. */
	constructor(redis: Redis, options: { readonly prefix: string; readonly ttlSeconds: number }) {
		this.#redis = redis;
		this.#prefix = options.prefix;
		this.#ttlSeconds = options.ttlSeconds + BEYOND_RESULT_SECONDS;
	}

	/** Makes pending records for messages that have none, in one round trip. */
	async create(messages: readonly WebhookMessage[]): Promise<void> {
		const keys = messages.map(({ id }) => this.#key(id));
		const records = messages.map((message) => {
			const record: DeliveryRecord = { message, status: 'pending', attempts: [], failures: 0, replays: 0 };
			return JSON.stringify(record);
		});
		await this.#ask((redis) => CREATE.run(redis, keys, [this.#ttlSeconds, ...records]));
	}

	/** The record, or undefined when there never was one, it has expired or was erased. */
	async get(id: string): Promise<DeliveryRecord | undefined> {
		const stored = await this.#ask((redis) => redis.hget(this.#key(id), RECORD));
		if (stored === null) return undefined;
		const parsed = deliveryRecordSchema.safeParse(JSON.parse(stored));
		if (parsed.success) return parsed.data;
		throw new AppError('internal', { detail: 'a delivery of an unknown shape', cause: parsed.error });
	}

	/** The body that earlier attempts have sent, if one was kept. */
	async body(id: string): Promise<string | undefined> {
		const stored = await this.#ask((redis) => redis.hgetBuffer(this.#key(id), BODY));
		return stored === null ? undefined : (await decompress(stored)).toString();
	}

	async hasBody(id: string): Promise<boolean> {
		return (await this.#ask((redis) => redis.hexists(this.#key(id), BODY))) === 1;
	}

	/**
	 * Writes a record, unless it was erased meanwhile.
	 *
	 * @param body - what later attempts must send again; null forgets it, undefined leaves it as it is.
	 */
	async save(record: DeliveryRecord, body?: string | null): Promise<void> {
		const change = body === undefined ? ['leave'] : body === null ? ['drop'] : ['keep', await compress(body)];
		const values = [this.#ttlSeconds, JSON.stringify(record), ...change];
		await this.#ask((redis) => SAVE.run(redis, [this.#key(record.message.id)], values));
	}

	/** Forgets deliveries with what they send. One under way makes no further attempt. */
	async erase(...ids: readonly string[]): Promise<void> {
		await this.#ask((redis) => redis.del(ids.map((id) => this.#key(id))));
	}

	/** Whether the endpoint has answered 410 to a message of this caller and not been switched on since. */
	async isEndpointOff(owner: string, url: string): Promise<boolean> {
		return (await this.#ask((redis) => redis.exists(this.#endpointKey(owner, url)))) === 1;
	}

	async switchEndpointOff(owner: string, url: string): Promise<void> {
		const key = this.#endpointKey(owner, url);
		await this.#ask((redis) => redis.set(key, Date.now(), 'EX', ENDPOINT_OFF_SECONDS));
	}

	async switchEndpointOn(owner: string, url: string): Promise<void> {
		await this.#ask((redis) => redis.del(this.#endpointKey(owner, url)));
	}

	async #ask<T>(question: (redis: Redis) => Promise<T>): Promise<T> {
		try {
			return await question(this.#redis);
		} catch (error) {
			throw new AppError('queue_unavailable', { cause: error });
		}
	}

	#key(id: string): string {
		return `${this.#prefix}:delivery:${id}`;
	}

	/** A digest, because URLs are long and may carry secrets. */
	#endpointKey(owner: string, url: string): string {
		const digest = createHash('sha256').update(url).digest('hex').slice(0, 32);
		return `${this.#prefix}:endpoint-off:${owner}:${digest}`;
	}
}
