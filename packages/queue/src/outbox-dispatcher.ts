import { type Logger, type WebhookMessage, webhookMessageSchema } from '@facet/contracts';
import type { Redis } from 'ioredis';
import type { DeliveryQueue } from './delivery-queue.ts';
import { redisKeys } from './keys.ts';
import { closedWithin, LAST_WORDS_MS } from './last-words.ts';

export interface OutboxDispatcherOptions {
	readonly redis: Redis;
	readonly prefix: string;
	readonly deliveries: DeliveryQueue;
	readonly logger: Logger;
}

/** Messages of jobs that other processes have ended, and those that a dead worker left behind, are found this often. */
const INTERVAL_MS = 2000;
const PAGE = 200;

/**
 * Moves messages from the outbox, where the script that ends a job puts them, to the queue of deliveries. They leave the
 * outbox only when the queue has them; a crash between the two, or two workers at once, add a message twice, which is
 * one delivery.
 */
export class OutboxDispatcher {
	readonly #options: OutboxDispatcherOptions;
	readonly #timer: NodeJS.Timeout;
	#running: Promise<void> | undefined;
	#again = false;
	#isClosed = false;

	constructor(options: OutboxDispatcherOptions) {
		this.#options = options;
		this.#timer = setInterval(() => this.kick(), INTERVAL_MS).unref();
	}

	/** Looks into the outbox now, or once more when a look is under way. */
	kick(): void {
		if (this.#isClosed) return;
		this.#again = true;
		this.#running ??= this.#run().finally(() => {
			this.#running = undefined;
		});
	}

	/** Waits for the look under way, and makes no other: what comes now is for another worker, or for the next start. */
	async close(): Promise<void> {
		this.#isClosed = true;
		clearInterval(this.#timer);
		await closedWithin(this.#running ?? Promise.resolve(), LAST_WORDS_MS);
	}

	async #run(): Promise<void> {
		while (this.#again) {
			this.#again = false;
			try {
				while ((await this.#movePage()) === PAGE);
			} catch (error) {
				this.#options.logger.warn({ err: error }, 'webhooks: outbox not emptied, tried again');
			}
		}
	}

	/** @returns the number of messages moved. */
	async #movePage(): Promise<number> {
		const { redis, prefix, deliveries } = this.#options;
		const { outbox } = redisKeys(prefix);
		const entries = await redis.lrange(outbox, 0, PAGE - 1);
		if (entries.length === 0) return 0;
		await deliveries.add(entries.flatMap((entry) => this.#parse(entry)));
		const pipeline = redis.pipeline();
		// By value, since another worker may have moved some of them meanwhile.
		for (const entry of entries) pipeline.lrem(outbox, 1, entry);
		for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
		return entries.length;
	}

	#parse(entry: string): WebhookMessage[] {
		try {
			return [webhookMessageSchema.parse(JSON.parse(entry))];
		} catch (error) {
			this.#options.logger.error({ err: error }, 'webhooks: a message of an unknown shape was dropped');
			return [];
		}
	}
}
