import {
	CallerStore,
	type connectConsumer,
	currentSecrets,
	DeliveryQueue,
	DeliveryStore,
	JobProducer,
	OutboxDispatcher,
	type Queues,
	TaskConsumer,
} from '@facet/queue';
import { createDeliveryHandler, type DeliveryHandlerOptions } from './delivery-handler.ts';
import { HostSlots } from './host-slots.ts';

export interface DeliveriesOptions
	extends Omit<DeliveryHandlerOptions, 'deliveries' | 'secretsOf' | 'slots'> {
	/** A connection of the deliveries' own. */
	readonly redis: ReturnType<typeof connectConsumer>;
	/** On that connection. */
	readonly queues: Queues;
	readonly prefix: string;
	readonly lockMs: number;
	readonly resultTtlSeconds: number;
	/** Sign the messages of callers without a stored key. */
	readonly secrets: readonly string[];
}

export interface Deliveries {
	/** Looks for new messages at once rather than within two seconds. */
	kick(): void;
	/** Waits for the attempts under way. */
	close(timeoutMs: number): Promise<void>;
}

/** Attempts under way at once, at all hosts together; they cost a connection each and hardly any time. */
const CONCURRENCY = 64;
/** As many of them as one host gets, from this process. */
const PER_HOST = 2;
/** Pause after a run that failed for a reason of our own, in milliseconds. */
const SHORTEST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 300_000;
/** Owners with a stored key; all others have the service's secrets. */
const STORED_KEY = /^key_/;

/** Moves messages from the outbox to the queue of deliveries, and delivers them. */
export function startDeliveries(options: DeliveriesOptions): Deliveries {
	const { redis, queues, prefix, logger, resultTtlSeconds } = options;
	const deliveries = new DeliveryStore(redis, { prefix, ttlSeconds: resultTtlSeconds });
	const producer = new JobProducer({ queues, attempts: 1, keepSeconds: resultTtlSeconds });
	const outbox = new OutboxDispatcher({
		redis,
		prefix,
		deliveries: new DeliveryQueue({ queues, producer, deliveries }),
		logger,
	});
	const callers = new CallerStore(redis, { prefix });
	const consumer = new TaskConsumer('deliver', {
		redis,
		prefix,
		concurrency: CONCURRENCY,
		lockMs: options.lockMs,
		handler: createDeliveryHandler({
			...options,
			deliveries,
			secretsOf: async (owner) => {
				if (!STORED_KEY.test(owner)) return options.secrets;
				const record = await callers.find(owner);
				return record ? currentSecrets(record) : [];
			},
			slots: new HostSlots(PER_HOST),
		}),
		backoffMs: (attempt) => Math.min(SHORTEST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS),
		logger,
	});
	return {
		kick: () => outbox.kick(),
		close: async (timeoutMs) => {
			await Promise.all([outbox.close(), consumer.close(timeoutMs)]);
			await queues.close();
		},
	};
}
