import { AppError } from '@facet/contracts';
import type { BatchRecord } from '@facet/queue';
import type { BatchTools } from './batch-tools.ts';
import { cancelBatch } from './cancel-batch.ts';
import { endJobs, endUnexpanded, factsOf } from './end-items.ts';
import { type EntryPage, entryPages } from './entry-pages.ts';

/**
 * Makes jobs of a batch's items, in bulk, and goes on where an earlier run has ended. Items that have ended are left
 * alone, and adding one twice is one job, so a run that dies anywhere is made good by the next.
 */
export async function expandBatch(batchId: string, tools: BatchTools): Promise<void> {
	const { batches, store } = tools;
	const batch = await batches.readAny(batchId);
	if (batch === undefined || batch.completedAt !== undefined) {
		// It has been deleted, its items were ended otherwise, or it was forgotten because nobody took it up.
		await batches.settle(batchId);
		if (batch) await store.delete(batch.itemsKey);
	} else if (batch.canceledAt !== undefined || !(await expand(batch, tools))) {
		await cancelBatch(batchId, tools);
	} else {
		await store.delete(batch.itemsKey);
	}
}

/** @returns false when the batch was canceled meanwhile. */
async function expand(batch: BatchRecord, tools: BatchTools): Promise<boolean> {
	if (batch.expanded === batch.total) return true;
	try {
		for await (const page of entryPages(batch, tools)) {
			tools.signal.throwIfAborted();
			await addPage(batch, page, tools);
			if (await tools.batches.advance(batch.id, page.start + page.ids.length)) continue;
			await endJobs(page.ids, tools);
			return false;
		}
	} catch (error) {
		if (!(error instanceof AppError) || error.retryable) throw error;
		await giveUp(batch, error, tools);
	}
	return true;
}

async function addPage(batch: BatchRecord, { ids, entries }: EntryPage, tools: BatchTools): Promise<void> {
	const { results, producer, index } = tools;
	const facts = factsOf(batch);
	const ended = new Set(await results.ended(ids));
	const jobs = entries
		.map((entry, place) => ({ id: ids[place] ?? '', data: { ...entry, ...facts } }))
		.filter(({ id }) => !ended.has(id));
	const { owner, createdAt } = batch;
	// In the index first: a job that nobody finds is worse than an entry without a job for a moment.
	await index.add(jobs.map(({ id, data }) => ({ id, owner, tag: data.tag, createdAt })));
	await producer.addMany('detect', jobs, { urgency: 'batch' });
}

/** No later run can do better: the rest of the items fail, so that the batch completes. */
async function giveUp(batch: BatchRecord, error: AppError, tools: BatchTools): Promise<void> {
	tools.logger.error({ err: error, batchId: batch.id }, 'batch: items lost');
	const { expanded } = (await tools.batches.readAny(batch.id)) ?? batch;
	await endUnexpanded({ ...batch, expanded }, error.toRecord(), tools);
	await tools.batches.advance(batch.id, batch.total);
}
