import type { Logger } from '@facet/contracts';
import type { Redis } from 'ioredis';

/** Fails unless Redis takes a write: a replica, a full server or a dead connection all answer reads. */
export async function checkRedisWritable(redis: Redis, prefix: string): Promise<void> {
	await redis.set(`${prefix}:ready`, Date.now(), 'PX', 60_000);
}

/** An evicting Redis drops jobs without a word; say so at start-up. */
export async function warnUnlessNoEviction(redis: Redis, logger: Logger): Promise<void> {
	// INFO rather than CONFIG GET, which managed services refuse.
	const policy = /maxmemory_policy:(\S+)/.exec(await redis.info('memory'))?.[1];
	if (policy !== undefined && policy !== 'noeviction') {
		logger.warn(
			{ policy },
			'redis: maxmemory-policy is not noeviction, jobs may be lost under memory pressure',
		);
	}
}
