import { randomUUID } from 'node:crypto';
import { AppError, type DetectJob, type DetectRequest, type JobOutcome, type Logger } from '@facet/contracts';
import type { JobProducer, JobsInFlight, JobWaiter } from '@facet/queue';
import type { ObjectStore } from '@facet/storage';
import { decodeInlineImage } from './inline-image.ts';
import type { Caller } from './middleware/caller.ts';

export interface DetectionServiceOptions {
	readonly producer: JobProducer;
	readonly inFlight: JobsInFlight;
	readonly waiter: JobWaiter;
	readonly store: ObjectStore;
	/** Waiting jobs beyond which no more are taken. */
	readonly maxQueueDepth: number;
	/** How long a synchronous request waits, in milliseconds. */
	readonly syncTimeoutMs: number;
}

export interface Submission {
	readonly caller: Caller;
	readonly requestId: string;
	readonly logger: Logger;
}

export interface SubmittedDetection {
	readonly jobId: string;
	/** @throws AppError as `Expectation.outcome` of the queue. */
	outcome(): Promise<JobOutcome>;
}

/** Turns requests into jobs. The way of a request: admit, store inline bytes, add the job, wait. */
export class DetectionService {
	readonly #options: DetectionServiceOptions;

	constructor(options: DetectionServiceOptions) {
		this.#options = options;
	}

	/**
	 * Adds a job that someone waits for.
	 *
	 * @throws AppError `queue_full`, `too_many_jobs`, `queue_unavailable`, `storage_unavailable`, `invalid_request`. No job
	 * was added then.
	 */
	async submit(request: DetectRequest, submission: Submission): Promise<SubmittedDetection> {
		await this.#admit();
		const { id: owner, maxJobsInFlight: limit } = submission.caller;
		return this.#options.inFlight.whileReserved({ owner, count: 1, limit }, (counted) =>
			this.#add(request, submission, counted),
		);
	}

	async #add(
		request: DetectRequest,
		{ caller, requestId, logger }: Submission,
		counted: boolean,
	): Promise<SubmittedDetection> {
		const { producer, waiter, syncTimeoutMs } = this.#options;
		const jobId = randomUUID();
		const source = await this.#storeSource(request, jobId);
		const expectation = waiter.expect(jobId);
		try {
			const { options } = request;
			await producer.add('detect', jobId, {
				source,
				options,
				requestId,
				owner: caller.id,
				...(counted && { counted }),
			});
		} catch (error) {
			expectation.release();
			// Not awaited: the client should not wait for the tidying up, and what it misses the store's expiry takes.
			if (source.kind === 'object') {
				this.#options.store.delete(source.key).catch((err: unknown) => {
					logger.warn({ err, jobId }, 'inline image of a refused job not deleted');
				});
			}
			throw error;
		}
		return { jobId, outcome: () => expectation.outcome(syncTimeoutMs) };
	}

	async #admit(): Promise<void> {
		const { producer, waiter, maxQueueDepth } = this.#options;
		const depth = await producer.depth('detect');
		if (depth >= maxQueueDepth) {
			const retryAfterSeconds = waiter.drainRate.secondsFor(depth - maxQueueDepth + 1);
			throw new AppError('queue_full', { detail: `try again in ${retryAfterSeconds} s`, retryAfterSeconds });
		}
	}

	async #storeSource({ source }: DetectRequest, jobId: string): Promise<DetectJob['source']> {
		if (source.kind === 'url') return source;
		const key = `uploads/${jobId}.bin`;
		await this.#options.store.put(key, decodeInlineImage(source.base64), {
			contentType: 'application/octet-stream',
		});
		return { kind: 'object', key };
	}
}
