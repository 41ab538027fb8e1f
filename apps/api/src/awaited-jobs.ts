import { randomUUID } from 'node:crypto';
import type { DetectRequest, JobOutcome } from '@facet/contracts';
import type { JobWaiter } from '@facet/queue';
import type { DetectionService, NewDetection, QueuedJob, Submission } from './detection-service.ts';
import { identityOf, toMedia } from './media.ts';
import { fingerprintOf } from './request-digest.ts';
import type { SharedJobs } from './shared-jobs.ts';

export interface AwaitedJobsOptions {
	readonly service: DetectionService;
	readonly shared: SharedJobs;
	readonly waiter: JobWaiter;
	/** Age at which a job that nobody waits for ends as expired, in seconds. */
	readonly deadlineSeconds: number;
}

/** A job with someone who waits for it. */
export interface AwaitedJob {
	readonly job: QueuedJob;
	/** @throws AppError as `Expectation.outcome` of the queue. */
	outcome(timeoutMs: number): Promise<JobOutcome>;
	/** Nobody waits any more; an identical request gets the job. */
	detach(): Promise<void>;
}

/** Jobs of the synchronous endpoint. Nobody finds them but who waits, until the wait is over and the job is not. */
export class AwaitedJobs {
	readonly #options: AwaitedJobsOptions;

	constructor(options: AwaitedJobsOptions) {
		this.#options = options;
	}

	/**
	 * Adds a job, or takes the one of an identical request that runs on without its client.
	 *
	 * @param isAsync - whether the client would rather come back for the result: the job goes with those of `/v1` then.
	 * @throws AppError as `DetectionService`; `invalid_request`.
	 */
	async begin(request: DetectRequest, submission: Submission, isAsync: boolean): Promise<AwaitedJob> {
		const { service, shared, waiter } = this.#options;
		const { options } = request;
		const media = toMedia(request.source);
		const detection = { owner: submission.caller.id, media: identityOf(media), options, include: [] };
		const fingerprint = fingerprintOf('sync', detection);

		// A full queue is nothing to who gets a job that is in it.
		const known = await shared.find(fingerprint);
		if (known && !('outcome' in known)) return this.#await(known, false);

		const job: Omit<NewDetection, 'urgency' | 'fingerprint' | 'isDetached'> = {
			id: randomUUID(),
			media,
			options,
		};
		// Before the job is added, so that no end is missed.
		const expectation = waiter.expect(job.id);
		try {
			const added = await service.submit(
				isAsync
					? {
							...job,
							urgency: 'normal',
							fingerprint: fingerprintOf('v1', detection),
							isDetached: true,
							deadline: { at: Date.now() + this.#options.deadlineSeconds * 1000, isWatched: false },
						}
					: { ...job, urgency: 'sync', fingerprint, isDetached: false },
				submission,
			);
			return this.#await(added, !isAsync, expectation);
		} catch (error) {
			expectation.release();
			throw error;
		}
	}

	#await(job: QueuedJob, isAttached: boolean, expectation = this.#options.waiter.expect(job.id)): AwaitedJob {
		return {
			job,
			outcome: (timeoutMs) => expectation.outcome(timeoutMs),
			detach: async () => {
				if (isAttached) await this.#options.service.detach(job);
			},
		};
	}
}
