import { AppError, type Logger } from '@facet/contracts';
import { type JobsOptions, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { JOB_CATALOGUE, type JobData, type JobName, PRIORITY, type Urgency } from './catalogue.ts';
import { closedWithin, LAST_WORDS_MS } from './last-words.ts';

export interface ProducerOptions {
	readonly redis: Redis;
	/** Key prefix in Redis, braces included. */
	readonly prefix: string;
	/** How often a job is tried that fails for a reason that may pass. */
	readonly attempts: number;
	/** How long finished jobs are kept, in seconds. */
	readonly keepSeconds: number;
	readonly logger: Logger;
}

export interface QueueStatistics {
	/** Number of jobs by BullMQ state. */
	readonly counts: Readonly<Record<string, number>>;
	/** Age of the job that has waited longest, in seconds; 0 when none waits. */
	readonly oldestWaitingSeconds: number;
}

/** Finished jobs kept for inspection. Results live in the result store, so their number bounds memory, not usefulness. */
const KEEP_FINISHED_JOBS = 10_000;
/** Entries of the event stream; waiters that fall further behind find the outcome in the result store. */
const EVENT_STREAM_LENGTH = 10_000;
const WAITING_STATES = ['waiting', 'prioritized', 'delayed'] as const;

/** Puts jobs on the queues and counts them. Every failure of Redis becomes `queue_unavailable`. */
export class JobProducer {
	readonly #options: ProducerOptions;
	readonly #queues = new Map<JobName, Queue>();

	constructor(options: ProducerOptions) {
		this.#options = options;
	}

	/**
	 * Adds a job under an id of the caller's. Adding the same id twice is one job.
	 *
	 * @throws AppError `queue_unavailable`.
	 */
	async add<Name extends JobName>(
		name: Name,
		jobId: string,
		data: JobData<Name>,
		urgency: Urgency,
	): Promise<void> {
		const keep = { age: this.#options.keepSeconds, count: KEEP_FINISHED_JOBS };
		const jobOptions: JobsOptions = {
			jobId,
			priority: PRIORITY[urgency],
			attempts: this.#options.attempts,
			backoff: JOB_CATALOGUE[name].backoff,
			removeOnComplete: keep,
			removeOnFail: keep,
		};
		await this.#withQueue(name, (queue) => queue.add(name, data, jobOptions));
	}

	/** Number of jobs that wait for a worker. */
	async depth(name: JobName): Promise<number> {
		return this.#withQueue(name, (queue) => queue.getJobCountByTypes(...WAITING_STATES));
	}

	async statistics(name: JobName): Promise<QueueStatistics> {
		return this.#withQueue(name, async (queue) => {
			const [counts, [oldest]] = await Promise.all([
				queue.getJobCounts(...WAITING_STATES, 'active', 'completed', 'failed'),
				queue.getJobs(['waiting', 'prioritized'], 0, 0, true),
			]);
			const oldestWaitingSeconds = oldest ? Math.max(0, Date.now() - oldest.timestamp) / 1000 : 0;
			return { counts, oldestWaitingSeconds };
		});
	}

	async close(): Promise<void> {
		const closing = [...this.#queues.values()].map((queue) => queue.close());
		await closedWithin(Promise.allSettled(closing), LAST_WORDS_MS);
	}

	async #withQueue<T>(name: JobName, action: (queue: Queue) => Promise<T>): Promise<T> {
		const { redis } = this.#options;
		// A Queue waits for its connection to become ready before its first command; a client must not.
		if (redis.status !== 'ready') {
			throw new AppError('queue_unavailable', { cause: new Error(`Redis connection is ${redis.status}`) });
		}
		try {
			return await action(this.#queue(name));
		} catch (error) {
			throw new AppError('queue_unavailable', { cause: error });
		}
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
