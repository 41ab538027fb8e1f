import {
	AppError,
	type JobSnapshot,
	outcomeOf,
	ownerOf,
	toWireJob,
	type WireJob,
	type WireJobOptions,
} from '@facet/contracts';
import type { JobIndex, JobReader, JobWaiter } from '@facet/queue';

export interface JobViewsOptions {
	readonly reader: JobReader;
	readonly index: JobIndex;
	readonly waiter: JobWaiter;
	readonly wire: WireJobOptions;
}

/** Ids of single jobs are UUIDs; those of a batch's items are the batch's id and a number. Others are not looked up. */
const JOB_ID = /^[0-9a-f-]{36}$|^[\w-]{1,64}\.\d{1,6}$/;

/** Whether a text from outside looks like the id of a job. */
export function isJobId(text: string): boolean {
	return JOB_ID.test(text);
}

/** Jobs as their callers see them. */
export class JobViews {
	readonly #options: JobViewsOptions;

	constructor(options: JobViewsOptions) {
		this.#options = options;
	}

	/**
	 * @param owner - id of the caller.
	 * @throws AppError `not_found` for what is no job of this caller, `gone` when its result has expired,
	 * `queue_unavailable`.
	 */
	async find(owner: string, id: string): Promise<JobSnapshot> {
		const job = isJobId(id) ? await this.#options.reader.read(id) : undefined;
		if (job && ownerOf(job) === owner) return job;
		if (!job && isJobId(id) && (await this.#hasMade(owner, id))) {
			throw new AppError('gone', { detail: 'the result of this job has expired' });
		}
		throw new AppError('not_found', { detail: 'no job with this id' });
	}

	/** The job at its end, or as it is when the time is over or this process stops. */
	async findEnded(owner: string, id: string, timeoutMs: number): Promise<JobSnapshot> {
		if (timeoutMs === 0) return this.find(owner, id);
		// Before the look, so that no end is missed.
		const expectation = this.#options.waiter.expect(id);
		const job = await this.find(owner, id).catch((error: unknown) => {
			expectation.release();
			throw error;
		});
		if (outcomeOf(job)) {
			expectation.release();
			return job;
		}
		const outcome = await expectation.outcome(timeoutMs).catch(() => undefined);
		// However else the wait ended, the job itself says what came of it.
		return outcome ? { id, status: outcome.status, outcome } : this.find(owner, id);
	}

	/** The document of a job; for one that waits, with its place in the queue. */
	async document(job: JobSnapshot): Promise<WireJob> {
		const { reader, wire } = this.#options;
		if ('outcome' in job || job.status !== 'queued' || job.position !== undefined)
			return toWireJob(job, wire);
		return toWireJob({ ...job, position: await reader.position(job.id) }, wire);
	}

	async #hasMade(owner: string, id: string): Promise<boolean> {
		try {
			return await this.#options.index.has(owner, id);
		} catch (error) {
			throw new AppError('queue_unavailable', { cause: error });
		}
	}
}
