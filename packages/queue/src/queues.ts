import { AppError, type Logger } from '@facet/contracts';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { JOB_CATALOGUE, type JobName } from './catalogue.ts';
import { closedWithin, LAST_WORDS_MS } from './last-words.ts';

export interface QueuesOptions {
	readonly redis: Redis;
	/** Key prefix in Redis, braces included. */
	readonly prefix: string;
	readonly logger: Logger;
}

/** Entries of the event stream; waiters that fall further behind find the outcome in the result store. */
const EVENT_STREAM_LENGTH = 10_000;

/** BullMQ's queues, made at their first use. Every failure of Redis becomes `queue_unavailable`. */
export class Queues {
	readonly #options: QueuesOptions;
	readonly #queues = new Map<JobName, Queue>();

	constructor(options: QueuesOptions) {
		this.#options = options;
	}

	/** @throws AppError `queue_unavailable`; or what `action` throws, if that is an AppError. */
	async use<T>(name: JobName, action: (queue: Queue, redis: Redis) => Promise<T>): Promise<T> {
		const { redis } = this.#options;
		// A Queue waits for its connection to become ready before its first command; a client must not.
		if (redis.status !== 'ready') {
			throw new AppError('queue_unavailable', { cause: new Error(`Redis connection is ${redis.status}`) });
		}
		try {
			return await action(this.#queue(name), redis);
		} catch (error) {
			throw error instanceof AppError ? error : new AppError('queue_unavailable', { cause: error });
		}
	}

	async close(): Promise<void> {
		const closing = [...this.#queues.values()].map((queue) => queue.close());
		await closedWithin(Promise.allSettled(closing), LAST_WORDS_MS);
	}

	#queue(name: JobName): Queue {
		const known = this.#queues.get(name);
		if (known) return known;
		const queue = new Queue(JOB_CATALOGUE[name].queue, {
			connection: this.#options.redis,
			prefix: this.#options.prefix,
			streams: { events: { maxLen: EVENT_STREAM_LENGTH } },
		});
		// The connection reports its own errors.
		queue.on('error', () => {});
		// A Queue whose first handshake failed stays failed for ever: forget it, the next call makes a new one.
		queue.waitUntilReady().catch((error: unknown) => {
			this.#options.logger.warn({ err: error }, 'queue: handshake failed');
			this.#queues.delete(name);
		});
		this.#queues.set(name, queue);
		return queue;
	}
}
