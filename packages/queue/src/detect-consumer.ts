import {
	AppError,
	type DetectJob,
	type DetectResult,
	type JobOutcome,
	type JobProgress,
	type Logger,
} from '@facet/contracts';
import { type Job, WaitingError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { JOB_CATALOGUE } from './catalogue.ts';
import { toBullError } from './failure-reason.ts';
import { isAwaited } from './fair-turns.ts';
import { endedJobOf, parseJobData } from './job-facts.ts';
import { redisKeys } from './keys.ts';
import { closedWithin, LAST_WORDS_MS } from './last-words.ts';
import type { ResultStore } from './result-store.ts';
import { RunTurns } from './run-turns.ts';

export interface JobContext {
	readonly jobId: string;
	/** 1 for the first run. */
	readonly attempt: number;
	/** How long the job waited for this run, in milliseconds. */
	readonly queuedMs: number;
	/** Whether a client holds a connection open for it. */
	readonly isUrgent: boolean;
	/** Tells whoever asks how far the job is; what Redis does not take is forgotten. */
	progress(framesDone: number, framesWanted: number): void;
	/** Fires when the job is taken away from this worker: stop, clean up, throw. */
	readonly signal: AbortSignal;
}

export type DetectHandlerFunction = (data: DetectJob, context: JobContext) => Promise<DetectResult>;

export interface ConsumerOptions {
	readonly redis: Redis;
	readonly prefix: string;
	/** Jobs in flight. */
	readonly concurrency: number;
	/** How long this worker may be silent before its jobs go to another, in milliseconds. */
	readonly lockMs: number;
	readonly results: ResultStore;
	readonly handler: DetectHandlerFunction;
	/** Called when a job has ended for good, after its outcome was stored: the place to drop what only the job needed. */
	readonly onEnd?: (data: DetectJob) => Promise<void>;
	/** Called after a run whose result nobody will see, because the job has ended otherwise: the place to drop crops. */
	readonly onDiscard?: (jobId: string) => Promise<void>;
	readonly logger: Logger;
}

/** Reasons for taking a running job away, as its signal carries them. */
const HANDED_BACK = Symbol('handed back');
const LOCK_LOST = Symbol('lock lost');
const ENDED_ELSEWHERE = Symbol('ended elsewhere');
const DEADLINE = Symbol('deadline');

/** BullMQ must not give a job up by itself: it would end without an outcome. */
const NEVER = Number.MAX_SAFE_INTEGER;
/** How long a canceled job may run on. */
const ENDED_CHECK_MS = 500;
/**
 * How long a batch's item runs before the batch counts it as running. Most photos are done by then, and each mark is a trip to
 * Redis.
 */
const MARKED_AFTER_MS = 250;
/** `setTimeout` takes no more. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What a job returns to BullMQ, which copies it into its event stream: no more than this. */
interface Summary {
	readonly frames: number;
	readonly faces: number;
}

/** Takes detect jobs off the queue, runs the handler, and stores the outcome before BullMQ announces the end. */
export class DetectConsumer {
	readonly #options: ConsumerOptions;
	readonly #worker: Worker;
	readonly #running = new Map<string, AbortController>();
	readonly #turns: RunTurns;
	readonly #endedCheck: NodeJS.Timeout;

	constructor(options: ConsumerOptions) {
		this.#options = options;
		this.#worker = new Worker(JOB_CATALOGUE.detect.queue, (job, token) => this.#process(job, token), {
			connection: options.redis,
			prefix: options.prefix,
			concurrency: options.concurrency,
			lockDuration: options.lockMs,
			// A dead worker's jobs are found at most one lock and half a lock later: within a synchronous request's wait.
			stalledInterval: Math.ceil(options.lockMs / 2),
			maxStalledCount: NEVER,
		});
		this.#turns = new RunTurns({ ...options, worker: this.#worker });
		this.#worker.on('error', (error) => options.logger.warn({ err: error }, 'queue: worker error'));
		this.#worker.on('stalled', (jobId) => options.logger.warn({ jobId }, 'queue: job stalled, runs again'));
		this.#worker.on('lockRenewalFailed', (jobIds) => {
			for (const jobId of jobIds) {
				this.#running.get(jobId)?.abort(LOCK_LOST);
			}
		});
		this.#endedCheck = setInterval(() => void this.#stopEnded(), ENDED_CHECK_MS).unref();
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
			clearInterval(this.#endedCheck);
		}
	}

	async #process(job: Job, token: string | undefined): Promise<Summary> {
		const jobId = job.id;
		if (jobId === undefined) throw new AppError('internal', { detail: 'a job without an id' });
		const controller = new AbortController();
		this.#running.set(jobId, controller);
		let deadline: NodeJS.Timeout | undefined;
		let data: DetectJob | undefined;
		try {
			data = parseJobData('detect', job.data);
			deadline = stopAt(data.deadline, controller);
			const result =
				(await this.#earlierResult(job, jobId)) ?? (await this.#run(job, jobId, data, controller.signal));
			await this.#end(job, jobId, data, { status: 'succeeded', result });
			return summaryOf(result);
		} catch (thrown) {
			switch (controller.signal.reason) {
				case HANDED_BACK:
					return this.#handBack(job, token);
				case LOCK_LOST:
					// Another worker has the job by now, and its outcome is the one that counts; or it was canceled and is gone.
					await this.#discardIfEndedOtherwise(jobId);
					throw thrown;
				case ENDED_ELSEWHERE:
					// Who canceled it may have erased it; the queue keeps nothing of it either.
					job.opts.removeOnComplete = true;
					await this.#discardUnlessSucceeded(jobId);
					// It may have ended between being taken and being counted.
					await this.#markInBatch('srem', jobId, data);
					if (data !== undefined) await this.#options.onEnd?.(data);
					return NOTHING;
				case DEADLINE:
					await this.#end(job, jobId, data, { status: 'expired', error: { code: 'expired' } });
					await this.#discard(jobId);
					return NOTHING;
			}
			const error = AppError.from(thrown);
			if (!error.retryable || job.attemptsMade + 1 >= (job.opts.attempts ?? 1)) {
				await this.#end(job, jobId, data, { status: 'failed', error: error.toRecord() });
			} else {
				await this.#markInBatch('srem', jobId, data);
			}
			throw toBullError(error);
		} finally {
			clearTimeout(deadline);
			this.#running.delete(jobId);
		}
	}

	async #run(job: Job, jobId: string, data: DetectJob, signal: AbortSignal): Promise<DetectResult> {
		return this.#turns.run({ jobId, lostWorkers: job.stalledCounter, signal }, async () => {
			const marking = setTimeout(() => void this.#markAsRunning(jobId, data), MARKED_AFTER_MS);
			try {
				return await this.#options.handler(data, {
					jobId,
					attempt: job.attemptsMade + 1,
					queuedMs: Math.max(0, (job.processedOn ?? Date.now()) - job.timestamp),
					isUrgent: isAwaited(job),
					progress: (framesDone, framesWanted) => this.#report(job, { framesDone, framesWanted }),
					signal,
				});
			} finally {
				clearTimeout(marking);
			}
		});
	}

	/** Stores the outcome, unless the job has another one by now, which stands. */
	async #end(job: Job, jobId: string, data: DetectJob | undefined, end: JobEnd): Promise<void> {
		const { results, onEnd } = this.#options;
		const isFirst = await results.finish(jobId, { ...end, job: endedJobOf(job, data, job.attemptsMade + 1) });
		if (!isFirst) await this.#discardUnlessSucceeded(jobId);
		if (data !== undefined) await onEnd?.(data);
	}

	/** After a success, of another worker's run, the crops of both are the same objects. */
	async #discardUnlessSucceeded(jobId: string): Promise<void> {
		if ((await this.#options.results.get(jobId))?.status !== 'succeeded') await this.#discard(jobId);
	}

	/** While another run goes on, the crops are that one's, too. */
	async #discardIfEndedOtherwise(jobId: string): Promise<void> {
		const outcome = await this.#options.results.get(jobId);
		if (outcome !== undefined && outcome.status !== 'succeeded') await this.#discard(jobId);
	}

	async #discard(jobId: string): Promise<void> {
		await this.#options.onDiscard?.(jobId).catch((err: unknown) => {
			this.#options.logger.warn({ err, jobId }, 'queue: leftovers of an ended job not dropped');
		});
	}

	/**
	 * The result of an earlier run whose worker died before it could tell BullMQ. It stands: the media of the job may be
	 * gone by now, and a second run would end in an error.
	 */
	async #earlierResult(job: Job, jobId: string): Promise<DetectResult | undefined> {
		if (job.attemptsStarted <= 1) return undefined;
		const outcome = await this.#options.results.get(jobId);
		return outcome?.status === 'succeeded' ? outcome.result : undefined;
	}

	/** Stops the runs of jobs that were canceled, erased or have expired meanwhile. */
	async #stopEnded(): Promise<void> {
		if (this.#running.size === 0) return;
		try {
			for (const jobId of await this.#options.results.ended([...this.#running.keys()])) {
				this.#running.get(jobId)?.abort(ENDED_ELSEWHERE);
			}
		} catch (error) {
			this.#options.logger.debug({ err: error }, 'queue: look for canceled jobs failed');
		}
	}

	/** Keeps the batch's set of running items; without it the batch counts the item as queued. */
	async #markInBatch(command: 'sadd' | 'srem', jobId: string, data: DetectJob | undefined): Promise<void> {
		if (data?.batchId === undefined) return;
		const { redis, prefix } = this.#options;
		await redis[command](redisKeys(prefix).batchRunning(data.batchId), jobId);
	}

	async #markAsRunning(jobId: string, data: DetectJob): Promise<void> {
		await this.#markInBatch('sadd', jobId, data).catch((err: unknown) => {
			this.#options.logger.debug({ err, jobId }, 'queue: item not counted as running');
		});
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
}

/** An outcome without the job's facts. */
type JobEnd =
	| Pick<Extract<JobOutcome, { status: 'succeeded' }>, 'status' | 'result'>
	| Pick<Exclude<JobOutcome, { status: 'succeeded' }>, 'status' | 'error'>;

const NOTHING: Summary = { frames: 0, faces: 0 };

function summaryOf({ frames }: DetectResult): Summary {
	return {
		frames: frames.length,
		faces: frames.reduce((sum, frame) => sum + frame.faces.length, 0),
	};
}

function stopAt(deadline: number | undefined, controller: AbortController): NodeJS.Timeout | undefined {
	if (deadline === undefined) return undefined;
	const leftMs = deadline - Date.now();
	if (leftMs <= 0) controller.abort(DEADLINE);
	return setTimeout(() => controller.abort(DEADLINE), Math.min(leftMs, LONGEST_TIMER_MS));
}
