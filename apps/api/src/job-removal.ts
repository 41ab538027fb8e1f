import { AppError, type JobSnapshot, outcomeOf } from '@facet/contracts';
import type { DeliveryQueue, JobControl, JobIndex, ResultStore } from '@facet/queue';
import type { ObjectStore } from '@facet/storage';
import type { JobViews } from './job-views.ts';

export interface JobRemovalOptions {
	readonly views: JobViews;
	readonly control: JobControl;
	readonly results: ResultStore;
	readonly index: JobIndex;
	readonly deliveries: DeliveryQueue;
	readonly store: ObjectStore;
}

/** Ends jobs for their callers, and forgets them. */
export class JobRemoval {
	readonly #options: JobRemovalOptions;

	constructor(options: JobRemovalOptions) {
		this.#options = options;
	}

	/**
	 * Cancels a job. One that runs is canceled at once for everybody; its worker stops between two frames.
	 *
	 * @returns the job, canceled now or before.
	 * @throws AppError `conflict` when it has ended otherwise; as `JobViews.find`; `storage_unavailable`.
	 */
	async cancel(owner: string, id: string): Promise<JobSnapshot> {
		const { views, store } = this.#options;
		const found = await views.find(owner, id);
		// Whoever canceled it may have died before it had dropped what an earlier run stored: then this is the caller asking
		// again.
		if (found.status === 'canceled') await store.deletePrefix(`faces/${id}`);
		const job = outcomeOf(found) ? found : await this.#end(owner, id);
		if (job.status === 'canceled') return job;
		throw new AppError('conflict', {
			detail: `expected a job that has not ended, this one has ${job.status}`,
		});
	}

	/**
	 * Erases a job: what came of it, its crops, what was stored for it, what its webhook has sent. One that has not ended
	 * is canceled first.
	 *
	 * @throws AppError as `JobViews.find`; `storage_unavailable`.
	 */
	async erase(owner: string, id: string): Promise<void> {
		const { views, control, results, index, deliveries, store } = this.#options;
		const found = await views.find(owner, id);
		const job = outcomeOf(found) ? found : await this.#end(owner, id);
		const tag = outcomeOf(job)?.job.tag;
		// Crops first: when the store is away the job is still there to be erased again.
		await store.deletePrefix(`faces/${id}`);
		await ask(() => Promise.all([results.erase(id), deliveries.erase(`msg_${id}`), control.withdraw(id)]));
		await ask(() => index.remove({ id, owner, tag }));
	}

	async #end(owner: string, id: string): Promise<JobSnapshot> {
		const { views, control, store } = this.#options;
		const data = await control.end(id, 'canceled');
		if (data) {
			await Promise.all([
				data.source.kind === 'object' && !data.source.keep && store.delete(data.source.key),
				// A run before this one may have stored some.
				data.options.returnFaceUrl && store.deletePrefix(`faces/${id}`),
			]);
		}
		return views.find(owner, id);
	}
}

async function ask<T>(question: () => Promise<T>): Promise<T> {
	try {
		return await question();
	} catch (error) {
		throw AppError.from(error).code === 'internal'
			? new AppError('queue_unavailable', { cause: error })
			: error;
	}
}
