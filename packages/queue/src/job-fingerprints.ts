import { AppError } from '@facet/contracts';
import type { Redis } from 'ioredis';
import { type RedisKeys, redisKeys } from './keys.ts';
import { RedisScript } from './redis-script.ts';

/** No job runs longer than its deadline, a day at most; the end of a job takes its fingerprint away anyway. */
const TTL_SECONDS = 86_400;

/** Gives the fingerprint to a job unless another one has it that the caller does not take for ended. */
const CLAIM = new RedisScript(`
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[2] then return holder end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])
return ARGV[1]
`);

/** The job may have ended by now, and nobody would take the fingerprint away again. */
const REGISTER = new RedisScript(`
if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) end
`);

const RELEASE = new RedisScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
`);

/**
 * Which unfinished job an identical request may share. The script that ends a job takes its fingerprint away. Every
 * method throws AppError `queue_unavailable` when Redis is away.
 */
export class JobFingerprints {
	readonly #redis: Redis;
	readonly #keys: RedisKeys;

	constructor(redis: Redis, options: { readonly prefix: string }) {
		this.#redis = redis;
		this.#keys = redisKeys(options.prefix);
	}

	/** Id of the job with this fingerprint. It may have vanished without an end. */
	async find(fingerprint: string): Promise<string | undefined> {
		return this.#ask(async (redis) => (await redis.get(this.#keys.fingerprint(fingerprint))) ?? undefined);
	}

	/**
	 * Registers a job that is about to be added, unless there is another one.
	 *
	 * @param ended - an id that may be replaced, because its job is over.
	 * @returns the id of the job that has the fingerprint now.
	 */
	async claim(fingerprint: string, jobId: string, ended = ''): Promise<string> {
		const keys = [this.#keys.fingerprint(fingerprint)];
		return this.#ask(async (redis) => String(await CLAIM.run(redis, keys, [jobId, ended, TTL_SECONDS])));
	}

	/** Registers a job that has not ended, in place of one that was registered before. */
	async register(fingerprint: string, jobId: string): Promise<void> {
		const keys = [this.#keys.fingerprint(fingerprint), this.#keys.result(jobId)];
		await this.#ask((redis) => REGISTER.run(redis, keys, [jobId, TTL_SECONDS]));
	}

	/** Takes the fingerprint of a job away that was not added after all. */
	async release(fingerprint: string, jobId: string): Promise<void> {
		await this.#ask((redis) => RELEASE.run(redis, [this.#keys.fingerprint(fingerprint)], [jobId]));
	}

	async #ask<T>(question: (redis: Redis) => Promise<T>): Promise<T> {
		try {
			return await question(this.#redis);
		} catch (error) {
			throw new AppError('queue_unavailable', { cause: error });
		}
	}
}
