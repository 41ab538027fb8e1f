import type { Logger } from '@facet/contracts';
import type { Redis, RedisOptions } from 'ioredis';
import { CoalescingRedis } from './coalescing-redis.ts';

type FailurePolicy = Pick<RedisOptions, 'enableOfflineQueue' | 'maxRetriesPerRequest' | 'commandTimeout'>;

/** A longer silence means a hung server or a cut network; the caller gets an error instead of waiting with it. */
const PRODUCER_COMMAND_TIMEOUT_MS = 5000;

/**
 * A connection for processes that answer clients. Its commands fail at once while Redis is away, and those under way
 * when the connection breaks are not sent again: their caller has been told 503 by then.
 */
export function connectProducer(url: string, logger: Logger): Redis {
	return connect(url, logger, {
		enableOfflineQueue: false,
		maxRetriesPerRequest: 0,
		commandTimeout: PRODUCER_COMMAND_TIMEOUT_MS,
	});
}

/**
 * A connection for consumers and event readers, which wait for Redis to come back. BullMQ insists on
 * `maxRetriesPerRequest: null` for its blocking commands.
 */
export function connectConsumer(url: string, logger: Logger): Redis {
	return connect(url, logger, { maxRetriesPerRequest: null });
}

function connect(url: string, logger: Logger, options: FailurePolicy): Redis {
	const redis = new CoalescingRedis(url, {
		...options,
		connectTimeout: 5000,
		// Redis comes back within seconds after a restart; a client that sleeps longer than that prolongs the outage.
		retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 6), 1000),
		// After a failover the old server may live on as a replica and keep its connections: the address leads to the new one
		// by now. What was refused is sent again there; it was not done.
		reconnectOnError: (error) => (error.message.includes('READONLY') ? 2 : false),
	});
	// One line an outage, not one a connection attempt: ioredis emits 'error' for each of these.
	let reported = false;
	redis.on('error', (error: Error) => {
		if (!reported) logger.warn({ err: error }, 'redis: connection lost');
		reported = true;
	});
	redis.on('ready', () => {
		if (reported) logger.info({}, 'redis: connected again');
		reported = false;
	});
	return redis;
}
