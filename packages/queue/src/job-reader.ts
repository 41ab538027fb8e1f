import { type JobSnapshot, type JobStatus, OPEN_CALLER } from '@facet/contracts';
import type { Job, JobState } from 'bullmq';
import { codeFromReason } from './failure-reason.ts';
import { progressSchema } from './job-events.ts';
import { endedJobOf, parseJobData } from './job-facts.ts';
import type { Queues } from './queues.ts';
import type { ResultStore } from './result-store.ts';

/** Reads single jobs, from the outcome if there is one and from the queue otherwise. */
export class JobReader {
	readonly #queues: Queues;
	readonly #results: ResultStore;

	constructor(queues: Queues, results: ResultStore) {
		this.#queues = queues;
		this.#results = results;
	}

	/**
	 * @returns undefined for a job that never was, was erased, or whose result has expired.
	 * @throws AppError `queue_unavailable`.
	 */
	async read(jobId: string): Promise<JobSnapshot | undefined> {
		return this.#queues.use('detect', async (queue) => {
			// Side by side, which is one round trip.
			const found: [JobSnapshot | 'erased' | undefined, Job | undefined, JobState | 'unknown'] =
				await Promise.all([this.#ended(jobId), queue.getJob(jobId), queue.getJobState(jobId)]);
			const [ended, job, state] = found;
			if (ended) return present(ended);
			if (job === undefined) return undefined;
			const status = toJobStatus(state);
			switch (status) {
				case 'queued':
				case 'processing':
					return unfinished(job, jobId, status);
				case 'succeeded':
					// It has ended since the first look, or else its result has expired.
					return present(await this.#ended(jobId));
				case 'failed':
					return present((await this.#ended(jobId)) ?? this.#failedWithoutOutcome(job, jobId));
				case undefined:
					return undefined;
			}
		});
	}

	/** Several jobs, in their order; undefined as in `read`. */
	async readMany(jobIds: readonly string[]): Promise<(JobSnapshot | undefined)[]> {
		const outcomes = await this.#queues.use('detect', () => this.#results.getMany(jobIds));
		return Promise.all(
			jobIds.map((id, position) => {
				const outcome = outcomes[position];
				return outcome ? { id, status: outcome.status, outcome } : this.read(id);
			}),
		);
	}

	/** Number of jobs that are taken before this one; undefined when it does not wait. */
	async position(jobId: string): Promise<number | undefined> {
		return this.#queues.use('detect', async ({ keys }, redis) => {
			const [fromHead, urgent, rank] = await Promise.all([
				redis.lpos(keys.wait ?? '', jobId, 'RANK', -1),
				redis.llen(keys.wait ?? ''),
				redis.zrank(keys.prioritized ?? '', jobId),
			]);
			// Jobs are pushed at the head and taken from the tail.
			if (fromHead !== null) return urgent - 1 - fromHead;
			return rank === null ? undefined : urgent + rank;
		});
	}

	async #ended(id: string): Promise<JobSnapshot | 'erased' | undefined> {
		const outcome = await this.#results.look(id);
		return outcome && outcome !== 'erased' ? { id, status: outcome.status, outcome } : outcome;
	}

	/** BullMQ may keep a failed job longer than its outcome is kept: it has expired then, as others do. */
	#failedWithoutOutcome(job: Job, id: string): JobSnapshot | undefined {
		const finishedAt = job.finishedOn ?? Date.now();
		if (finishedAt + this.#results.ttlSeconds * 1000 <= Date.now()) return undefined;
		return failedWithoutOutcome(job, id, finishedAt);
	}
}

function present(job: JobSnapshot | 'erased' | undefined): JobSnapshot | undefined {
	return job === 'erased' ? undefined : job;
}

function unfinished(job: Job, id: string, status: 'queued' | 'processing'): JobSnapshot {
	const progress = progressSchema.safeParse(job.progress);
	return {
		id,
		status,
		data: parseJobData('detect', job.data),
		createdAt: job.timestamp,
		startedAt: job.processedOn,
		attempts: job.attemptsMade + (status === 'processing' ? 1 : 0),
		progress: progress.success ? progress.data : undefined,
	};
}

/** Of a job that BullMQ gave up by itself. */
function failedWithoutOutcome(job: Job, id: string, finishedAt: number): JobSnapshot {
	const owner: unknown = job.data?.owner;
	return {
		id,
		status: 'failed',
		outcome: {
			status: 'failed',
			error: { code: codeFromReason(job.failedReason) },
			job: {
				...endedJobOf(job, undefined, job.attemptsMade),
				owner: typeof owner === 'string' ? owner : OPEN_CALLER,
				finishedAt,
			},
		},
	};
}

/** BullMQ's states as callers see them. `completed` says only that there was an outcome. */
function toJobStatus(
	state: JobState | 'unknown',
): Extract<JobStatus, 'queued' | 'processing' | 'succeeded' | 'failed'> | undefined {
	switch (state) {
		case 'waiting':
		case 'prioritized':
		case 'delayed':
		case 'waiting-children':
			return 'queued';
		case 'active':
			return 'processing';
		case 'completed':
			return 'succeeded';
		case 'failed':
			return 'failed';
		case 'unknown':
			return undefined;
	}
}
