import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';

/** A Lua script that Redis keeps: its text is sent once to each server, its digest afterwards. */
export class RedisScript {
	readonly #text: string;
	readonly #sha1: string;

	constructor(text: string) {
		this.#text = text;
		this.#sha1 = createHash('sha1').update(text).digest('hex');
	}

	async run(redis: Redis, keys: readonly string[], values: readonly (string | number | Buffer)[]) {
		try {
			return await redis.evalsha(this.#sha1, keys.length, ...keys, ...values);
		} catch (error) {
			if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
			return redis.eval(this.#text, keys.length, ...keys, ...values);
		}
	}
}
