import { AppError, type DetectResult, type Logger } from '@facet/contracts';
import { type Job, WaitingError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { JOB_CATALOGUE, type JobData, type JobName } from './catalogue.ts';
import { failureFromReason, toBullError } from './failure-reason.ts';
import { closedWithin, LAST_WORDS_MS } from './last-words.ts';
import type { ResultStore } from './result-store.ts';

/** A running job's progress, as BullMQ stores it. */
export interface JobProgress {
	readonly framesDone: number;
	readonly framesWanted: number;
}

export interface JobContext {
	readonly jobId: string;
	/** 1 for the first run. */
	readonly attempt: number;
	/** How long the job waited for this run, in milliseconds. */
	readonly queuedMs: number;
	/** Tells whoever asks how far the job is; what Redis does not take is forgotten. */
	progress(framesDone: number, framesWanted: number): void;
	/** Fires when the job is taken away from this worker: stop, clean up, throw. */
	readonly signal: AbortSignal;
}

export type JobHandler<Name extends JobName> = (
	data: JobData<Name>,
	context: JobContext,
) => Promise<DetectResult>;

export interface ConsumerOptions<Name extends JobName> {
	readonly redis: Redis;
	readonly prefix: string;
	/** Jobs in flight. */
	readonly concurrency: number;
	/** How long this worker may be silent before its jobs go to another, in milliseconds. */
	readonly lockMs: number;
	readonly results: ResultStore;
	readonly handler: JobHandler<Name>;
	/** Called when a job has ended for good, after its outcome was stored: the place to drop what only the job needed. */
	readonly onEnd?: (data: JobData<Name>, error: AppError | undefined) => Promise<void>;
	readonly logger: Logger;
}

/** Reasons for taking a running job away, as its signal carries them. */
const HANDED_BACK = Symbol('handed back');
const LOCK_LOST = Symbol('lock lost');

/** What a job returns to BullMQ, which copies it into its event stream: no more than this. */
interface Summary {
	readonly frames: number;
	readonly faces: number;
}

/** Takes jobs of one name off the queue, runs the handler, and stores the outcome before BullMQ announces the end. */
export class JobConsumer<Name extends JobName> {
	readonly #name: Name;
	readonly #options: ConsumerOptions<Name>;
	readonly #worker: Worker;
	readonly #running = new Map<string, AbortController>();

	constructor(name: Name, options: ConsumerOptions<Name>) {
		this.#name = name;
		this.#options = options;
		const { queue, maxStalledCount } = JOB_CATALOGUE[name];
		this.#worker = new Worker(queue, (job, token) => this.#process(job, token), {
			connection: options.redis,
			prefix: options.prefix,
			concurrency: options.concurrency,
			lockDuration: options.lockMs,
			// A dead worker's jobs are found at most one lock and half a lock later: within a synchronous request's wait.
			stalledInterval: Math.ceil(options.lockMs / 2),
			maxStalledCount,
		});
		this.#worker.on('error', (error) => options.logger.warn({ err: error }, 'queue: worker error'));
		this.#worker.on('stalled', (jobId) => options.logger.warn({ jobId }, 'queue: job stalled, runs again'));
		this.#worker.on('lockRenewalFailed', (jobIds) => {
			for (const jobId of jobIds) {
				this.#running.get(jobId)?.abort(LOCK_LOST);
			}
		});
		this.#worker.on('failed', (job, error) => void this.#storeUnhandledFailure(job, error));
	}

	/** Jobs that run now. */
	get active(): number {
		return this.#running.size;
	}

	/** Resolves when the worker is connected and takes jobs. */
	async waitUntilReady(): Promise<void> {
		await this.#worker.waitUntilReady();
	}

	/**
	 * Takes no more jobs and lets the running ones finish; what still runs after `timeoutMs` goes back to the queue for
	 * another worker. When Redis is away nothing can be handed back: the jobs' locks run out.
	 */
	async close(timeoutMs: number): Promise<void> {
		const handBack = setTimeout(() => {
			for (const [jobId, controller] of this.#running) {
				this.#options.logger.warn({ jobId }, 'queue: job handed back, the time to stop is over');
				controller.abort(HANDED_BACK);
			}
		}, timeoutMs);
		try {
			const limit = (this.#running.size > 0 ? timeoutMs : 0) + LAST_WORDS_MS;
			if (await closedWithin(this.#worker.close(), limit)) return;
			this.#options.logger.warn({}, 'queue: Redis is away, left without a goodbye');
			// What waits for Redis is rejected by this, jobs that want to store their outcome included.
			this.#options.redis.disconnect();
		} finally {
			clearTimeout(handBack);
		}
	}

	async #process(job: Job, token: string | undefined): Promise<Summary> {
		const jobId = job.id;
		if (jobId === undefined) throw new AppError('internal', { detail: 'a job without an id' });
		const controller = new AbortController();
		this.#running.set(jobId, controller);
		let data: JobData<Name> | undefined;
		try {
			data = this.#parse(job);
			const earlier = await this.#earlierResult(job, jobId);
			const result =
				earlier ?? (await this.#options.handler(data, this.#contextOf(job, jobId, controller.signal)));
			await this.#options.results.put(jobId, { status: 'succeeded', result });
			await this.#options.onEnd?.(data, undefined);
			return summaryOf(result);
		} catch (thrown) {
			if (controller.signal.reason === HANDED_BACK) return this.#handBack(job, token);
			// Another worker has the job by now, and its outcome is the one that counts.
			if (controller.signal.reason === LOCK_LOST) throw thrown;
			const error = AppError.from(thrown);
			if (!error.retryable || job.attemptsMade + 1 >= (job.opts.attempts ?? 1)) {
				await this.#options.results.put(jobId, { status: 'failed', error: error.toRecord() });
				if (data !== undefined) await this.#options.onEnd?.(data, error);
			}
			throw toBullError(error);
		} finally {
			this.#running.delete(jobId);
		}
	}

	#contextOf(job: Job, jobId: string, signal: AbortSignal): JobContext {
		return {
			jobId,
			attempt: job.attemptsMade + 1,
			queuedMs: Math.max(0, (job.processedOn ?? Date.now()) - job.timestamp),
			progress: (framesDone, framesWanted) => this.#report(job, { framesDone, framesWanted }),
			signal,
		};
	}

	/**
	 * The result of an earlier run whose worker died before it could tell BullMQ. It stands: the media of the job may be
	 * gone by now, and a second run would replace a good answer by an error.
	 */
	async #earlierResult(job: Job, jobId: string): Promise<DetectResult | undefined> {
		if (job.attemptsStarted <= 1) return undefined;
		const outcome = await this.#options.results.get(jobId);
		return outcome?.status === 'succeeded' ? outcome.result : undefined;
	}

	#report(job: Job, progress: JobProgress): void {
		job.updateProgress(progress).catch((err: unknown) => {
			this.#options.logger.debug({ err, jobId: job.id }, 'queue: progress not stored');
		});
	}

	async #handBack(job: Job, token: string | undefined): Promise<never> {
		await job.moveToWait(token);
		throw new WaitingError();
	}

	#parse(job: Job): JobData<Name> {
		const parsed = JOB_CATALOGUE[this.#name].schema.safeParse(job.data);
		if (!parsed.success) {
			throw new AppError('internal', { detail: 'job data of an unknown shape', cause: parsed.error });
		}
		return parsed.data;
	}

	/** A job that BullMQ gave up without running it (too many workers died on it) has no outcome yet. */
	async #storeUnhandledFailure(job: Job | undefined, error: Error): Promise<void> {
		if (job?.id === undefined || !job.deferredFailure) return;
		await this.#options.results.put(job.id, failureFromReason(error.message));
	}
}

function summaryOf({ frames }: DetectResult): Summary {
	return {
		frames: frames.length,
		faces: frames.reduce((sum, frame) => sum + frame.faces.length, 0),
	};
}
