import { AppError, type BatchTask, type Logger } from '@facet/contracts';
import {
	addBatchTasks,
	BatchStore,
	type connectConsumer,
	DeliveryQueue,
	DeliveryStore,
	JobControl,
	JobIndex,
	JobProducer,
	Queues,
	ResultStore,
	TaskConsumer,
} from '@facet/queue';
import type { ObjectStore } from '@facet/storage';
import type { BatchTools } from './batch-tools.ts';
import { cancelBatch } from './cancel-batch.ts';
import { eraseBatch } from './erase-batch.ts';
import { expandBatch } from './expand-batch.ts';

export interface BatchesOptions {
	/** A connection of the batches' own. */
	readonly redis: ReturnType<typeof connectConsumer>;
	readonly prefix: string;
	readonly lockMs: number;
	/** How often an item is tried. */
	readonly attempts: number;
	readonly resultTtlSeconds: number;
	readonly store: ObjectStore;
	/** Called when jobs may have ended by work on a batch. */
	readonly onEnded: () => void;
	readonly logger: Logger;
}

/** Batches at once: the time goes into round trips, and a large one must not hold up a small one. */
const CONCURRENCY = 4;
/** Pause before work on a batch is tried again that failed for a reason which may pass, in milliseconds. */
const RETRY_MS = 5000;
/** Batches that an API accepted and then could not put on the queue are found this often. */
const SWEEP_INTERVAL_MS = 5000;

const TASKS: Readonly<Record<BatchTask['kind'], (batchId: string, tools: BatchTools) => Promise<void>>> = {
	expand: expandBatch,
	cancel: cancelBatch,
	erase: eraseBatch,
};

/**
 * Does the work on batches.
 *
 * @returns a function that stops it: what is under way is left to another process.
 */
export function startBatches(options: BatchesOptions): (timeoutMs: number) => Promise<void> {
	const { redis, prefix, resultTtlSeconds, attempts, store, logger } = options;
	const stop = new AbortController();
	const queues = new Queues({ redis, prefix, logger });
	const results = new ResultStore(redis, { prefix, ttlSeconds: resultTtlSeconds });
	const producer = new JobProducer({ queues, attempts, keepSeconds: resultTtlSeconds });
	const deliveries = new DeliveryStore(redis, { prefix, ttlSeconds: resultTtlSeconds });
	const tools: BatchTools = {
		batches: new BatchStore(queues, { prefix, ttlSeconds: resultTtlSeconds }),
		producer,
		results,
		control: new JobControl(queues, results, prefix),
		index: new JobIndex(redis, { prefix, ttlSeconds: resultTtlSeconds }),
		deliveries: new DeliveryQueue({ queues, producer, deliveries }),
		store,
		logger,
		signal: stop.signal,
	};
	const consumer = new TaskConsumer('batch', {
		redis,
		prefix,
		concurrency: CONCURRENCY,
		lockMs: options.lockMs,
		handler: async ({ kind, batchId }, { postpone }) => {
			try {
				await TASKS[kind](batchId, tools);
				logger.info({ batchId, kind }, 'batch: task done');
			} catch (thrown) {
				if (stop.signal.aborted) throw await postpone(0);
				logger.warn({ err: AppError.from(thrown), batchId, kind }, 'batch: task failed, tried again');
				throw await postpone(RETRY_MS);
			} finally {
				options.onEnded();
			}
		},
		logger,
	});
	const sweep = setInterval(() => {
		addForgotten(tools).catch((err: unknown) =>
			logger.warn({ err }, 'batch: look for forgotten ones failed'),
		);
	}, SWEEP_INTERVAL_MS).unref();
	return async (timeoutMs) => {
		clearInterval(sweep);
		stop.abort();
		await consumer.close(timeoutMs);
		await queues.close();
	};
}

/** Adds the tasks of batches that are not expanded; those that have one keep it. */
async function addForgotten({ batches, producer }: BatchTools): Promise<void> {
	const ids = [...(await batches.unexpanded()).keys()];
	await addBatchTasks(
		producer,
		ids.map((batchId) => ({ kind: 'expand', batchId })),
	);
}
