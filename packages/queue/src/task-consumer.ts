import { AppError, type Logger } from '@facet/contracts';
import { DelayedError, type Job, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { JOB_CATALOGUE, type JobData, type JobName } from './catalogue.ts';
import { toBullError } from './failure-reason.ts';
import { parseJobData } from './job-facts.ts';
import { closedWithin, LAST_WORDS_MS } from './last-words.ts';

export interface TaskContext {
	readonly jobId: string;
	/** 1 for the first run. */
	readonly attempt: number;
	/** Whether another run follows when this one fails for a reason that may pass. */
	readonly isLast: boolean;
	/**
	 * Puts the task off without counting the run; throw what it returns.
	 *
	 * @param delayMs - from now.
	 */
	postpone(delayMs: number): Promise<Error>;
}

export interface TaskConsumerOptions<Name extends JobName> {
	readonly redis: Redis;
	readonly prefix: string;
	/** Tasks at once. */
	readonly concurrency: number;
	readonly lockMs: number;
	/** What a failed run throws decides whether there is another one: an AppError that is not retryable ends it. */
	readonly handler: (data: JobData<Name>, context: TaskContext) => Promise<void>;
	/** Pause before the next run, in milliseconds, for jobs whose catalogue entry says `custom`. */
	readonly backoffMs?: (attempt: number, error: AppError) => number;
	readonly logger: Logger;
}

/** Takes tasks off a queue that nobody waits for: whatever they leave behind, they store themselves. */
export class TaskConsumer<Name extends Exclude<JobName, 'detect'>> {
	readonly #options: TaskConsumerOptions<Name>;
	readonly #worker: Worker;
	#running = 0;

	constructor(name: Name, options: TaskConsumerOptions<Name>) {
		this.#options = options;
		const { logger, backoffMs } = options;
		this.#worker = new Worker(JOB_CATALOGUE[name].queue, (job, token) => this.#process(name, job, token), {
			connection: options.redis,
			prefix: options.prefix,
			concurrency: options.concurrency,
			lockDuration: options.lockMs,
			stalledInterval: Math.ceil(options.lockMs / 2),
			// A task is safe to run again, and giving it up would lose what nobody else does.
			maxStalledCount: Number.MAX_SAFE_INTEGER,
			...(backoffMs && {
				settings: {
					backoffStrategy: (attempt: number, _type?: string, error?: Error) =>
						backoffMs(attempt, AppError.from(error instanceof AppError ? error : error?.cause)),
				},
			}),
		});
		this.#worker.on('error', (error) => logger.warn({ err: error, queue: name }, 'queue: worker error'));
	}

	/** Takes no more tasks and waits for those that run. */
	async close(timeoutMs: number): Promise<void> {
		// With none under way it is Redis that is waited for.
		const limit = (this.#running > 0 ? timeoutMs : 0) + LAST_WORDS_MS;
		if (await closedWithin(this.#worker.close(), limit)) return;
		this.#options.redis.disconnect();
	}

	async #process(name: Name, job: Job, token: string | undefined): Promise<void> {
		this.#running += 1;
		try {
			const attempt = job.attemptsMade + 1;
			await this.#options.handler(parseJobData(name, job.data), {
				jobId: job.id ?? '',
				attempt,
				isLast: attempt >= (job.opts.attempts ?? 1),
				postpone: async (delayMs) => {
					await job.moveToDelayed(Date.now() + delayMs, token);
					return new DelayedError();
				},
			});
		} catch (thrown) {
			if (thrown instanceof DelayedError) throw thrown;
			throw toBullError(AppError.from(thrown));
		} finally {
			this.#running -= 1;
		}
	}
}
