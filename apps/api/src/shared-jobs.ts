import { setTimeout as delay } from 'node:timers/promises';
import { type JobSnapshot, outcomeOf } from '@facet/contracts';
import type { JobFingerprints, JobReader } from '@facet/queue';

export interface SharedJobsOptions {
	readonly fingerprints: JobFingerprints;
	readonly reader: JobReader;
}

/** A job is registered a moment before it is added; after this time, whoever registered it must have died. */
const PATIENCE_MS = 10_000;
const LOOK_AGAIN_MS = 50;

/** Finds unfinished jobs that answer identical requests. */
export class SharedJobs {
	readonly #options: SharedJobsOptions;

	constructor(options: SharedJobsOptions) {
		this.#options = options;
	}

	/**
	 * The unfinished job of an identical request, if one is registered.
	 *
	 * @throws AppError `queue_unavailable`.
	 */
	async find(fingerprint: string): Promise<JobSnapshot | undefined> {
		const { fingerprints, reader } = this.#options;
		const jobId = await fingerprints.find(fingerprint);
		const job = jobId === undefined ? undefined : await reader.read(jobId);
		return job && outcomeOf(job) === undefined ? job : undefined;
	}

	/**
	 * As `find`; when there is none, registers a job that is about to be added, so that of several identical requests at
	 * once one adds it.
	 *
	 * @throws AppError `queue_unavailable`.
	 */
	async findOrClaim(fingerprint: string, jobId: string): Promise<JobSnapshot | undefined> {
		const { fingerprints, reader } = this.#options;
		const giveUpAt = Date.now() + PATIENCE_MS;
		for (let ended = ''; ; ) {
			const holder = await fingerprints.claim(fingerprint, jobId, ended);
			if (holder === jobId) return undefined;
			const job = await reader.read(holder);
			if (job && outcomeOf(job) === undefined) return job;
			if (job || Date.now() > giveUpAt) ended = holder;
			else await delay(LOOK_AGAIN_MS);
		}
	}

	/** Gives back what `findOrClaim` has registered, of a job that was not added. */
	async release(fingerprint: string, jobId: string): Promise<void> {
		// Who finds the job registered that never comes waits for it in vain, and then goes on.
		await this.#options.fingerprints.release(fingerprint, jobId).catch(() => {});
	}
}
