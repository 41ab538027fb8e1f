import {
	AppError,
	type DetectJobInput,
	type DetectOptions,
	detectJobSchema,
	type Extra,
	type JobSnapshot,
	type Logger,
	type WebhookTarget,
} from '@facet/contracts';
import type {
	JobControl,
	JobFingerprints,
	JobIndex,
	JobProducer,
	JobsInFlight,
	Place,
	Urgency,
} from '@facet/queue';
import type { ObjectStore } from '@facet/storage';
import type { Admission } from './admission.ts';
import { type Media, storeMedia } from './media.ts';
import type { Caller } from './middleware/caller.ts';

export interface DetectionServiceOptions {
	readonly admission: Admission;
	readonly producer: JobProducer;
	readonly control: JobControl;
	readonly index: JobIndex;
	readonly fingerprints: JobFingerprints;
	readonly inFlight: JobsInFlight;
	readonly store: ObjectStore;
}

/** A job to be. */
export interface NewDetection {
	readonly id: string;
	readonly media: Media;
	readonly options: DetectOptions;
	readonly include?: readonly Extra[];
	readonly tag?: string | undefined;
	readonly webhook?: WebhookTarget | undefined;
	readonly urgency: Urgency;
	readonly deadline?: { readonly at: number; readonly isWatched: boolean };
	/** Digest that identical requests have. */
	readonly fingerprint: string;
	/** Whether the caller finds the job in lists, and identical requests find it, from now on. */
	readonly isDetached: boolean;
}

export interface Submission {
	readonly caller: Caller;
	readonly requestId: string;
	readonly logger: Logger;
}

/** A job that waits, as `submit` has added it. */
export type QueuedJob = Extract<JobSnapshot, { status: 'queued' | 'processing' }>;

/** Turns requests into jobs. The way of a request: reserve room for it, admit it, store inline bytes, add the job. */
export class DetectionService {
	readonly #options: DetectionServiceOptions;

	constructor(options: DetectionServiceOptions) {
		this.#options = options;
	}

	/**
	 * Adds a job.
	 *
	 * @throws AppError `too_many_jobs`, `queue_full`, `queue_unavailable`, `storage_unavailable`. Nothing of the job is left
	 * then.
	 */
	async submit(detection: NewDetection, submission: Submission): Promise<QueuedJob> {
		const { id: owner, maxJobsInFlight: limit } = submission.caller;
		return this.#options.inFlight.whileReserved({ owner, count: 1, limit }, async (counted) => {
			const place = await this.#options.admission.admitJob(owner, detection.urgency);
			return this.#add(detection, submission, place, counted);
		});
	}

	/**
	 * Lets a job go on whose client has stopped waiting: its caller finds it in lists, and an identical request gets it.
	 *
	 * @throws AppError `queue_unavailable`.
	 */
	async detach(job: QueuedJob): Promise<void> {
		const { index, fingerprints } = this.#options;
		const { owner, tag, fingerprint } = job.data;
		await Promise.all([
			index.add([{ id: job.id, owner, tag, createdAt: job.createdAt }]),
			fingerprint && fingerprints.register(fingerprint, job.id),
		]);
	}

	async #add(
		detection: NewDetection,
		submission: Submission,
		place: Place,
		counted: boolean,
	): Promise<QueuedJob> {
		const { producer, control, index, fingerprints, store } = this.#options;
		const { id, tag, deadline, fingerprint, isDetached } = detection;
		const owner = submission.caller.id;
		const source = await storeMedia(store, detection.media, { id, owner });
		const createdAt = Date.now();
		const data: DetectJobInput = {
			...factsOf(detection),
			owner,
			source,
			options: detection.options,
			requestId: submission.requestId,
			...(counted && { counted }),
		};
		// In this order on the wire, side by side in time: who finds the job in a list finds it in the queue.
		const steps = await Promise.allSettled([
			isDetached && index.add([{ id, owner, tag, createdAt }]),
			isDetached && fingerprints.register(fingerprint, id),
			deadline?.isWatched && control.watchDeadline(id, deadline.at),
			producer.add('detect', id, data, { place, createdAt }),
		]);
		const failed = steps.find((step) => step.status === 'rejected');
		if (failed) {
			// Not awaited: the client should not wait for the tidying up.
			void this.#undo(detection, source, submission);
			const { reason } = failed;
			throw reason instanceof AppError ? reason : new AppError('queue_unavailable', { cause: reason });
		}
		return {
			id,
			status: 'queued',
			data: detectJobSchema.parse(data),
			createdAt,
			startedAt: undefined,
			attempts: 0,
			progress: undefined,
			position: place.ahead,
		};
	}

	/** What this misses while a service is away, expiry takes. */
	async #undo(
		{ id, tag, fingerprint }: NewDetection,
		source: DetectJobInput['source'],
		{ caller, logger }: Submission,
	): Promise<void> {
		const { control, index, fingerprints, store } = this.#options;
		const steps = await Promise.allSettled([
			control.withdraw(id),
			index.remove({ id, owner: caller.id, tag }),
			fingerprints.release(fingerprint, id),
			source.kind === 'object' && !source.keep && store.delete(source.key),
		]);
		for (const step of steps) {
			if (step.status === 'rejected') {
				logger.warn({ err: step.reason, jobId: id }, 'leftovers of a refused job not dropped');
			}
		}
	}
}

function factsOf({ include = [], tag, webhook, deadline, fingerprint }: NewDetection) {
	return {
		fingerprint,
		...(include.length > 0 && { include: [...include] }),
		...(tag !== undefined && { tag }),
		...(webhook !== undefined && { webhook }),
		...(deadline !== undefined && { deadline: deadline.at }),
	};
}
