import type { JobOutcome } from '@facet/contracts';
import type { BatchRecord } from '@facet/queue';
import pMap from 'p-map';
import type { BatchTools } from './batch-tools.ts';
import { cancelItems, endJobs } from './end-items.ts';
import { type ItemPage, itemPages } from './item-pages.ts';

const CONCURRENCY = 16;

/**
 * Erases a batch that is marked so: its unfinished items end, then results, crops, deliveries, entries of the index and
 * facts go.
 */
export async function eraseBatch(batchId: string, tools: BatchTools): Promise<void> {
	const { batches, deliveries, store, signal } = tools;
	const batch = await batches.readAny(batchId);
	if (batch?.erased !== true) return;
	if (batch.completedAt === undefined) await cancelItems(batch, tools);
	for (const page of itemPages(batchId, 0, batch.total)) {
		signal.throwIfAborted();
		await erasePage(batch, page, tools);
	}
	await deliveries.erase(`msg_${batchId}`);
	await store.delete(batch.itemsKey);
	await batches.erase(batch);
}

async function erasePage({ owner }: BatchRecord, { ids }: ItemPage, tools: BatchTools): Promise<void> {
	const { results, index, deliveries, store } = tools;
	const outcomes = await results.getMany(ids);
	// The queue remembers ended jobs for a while, and with them where their media came from.
	await endJobs(ids, tools);
	await pMap(
		ids,
		async (id, place) => {
			const outcome = outcomes[place];
			await results.erase(id);
			if (mayHaveCrops(outcome)) await store.deletePrefix(`faces/${id}`);
			await index.remove({ id, owner, tag: outcome?.job.tag });
		},
		{ concurrency: CONCURRENCY },
	);
	// They keep what they send until it has arrived.
	await deliveries.erase(...ids.map((id) => `msg_${id}`));
}

/** An object store lists a folder before it deletes it, which is not worth it for each of 10,000 photos without crops. */
function mayHaveCrops(outcome: JobOutcome | undefined): boolean {
	return outcome?.status !== 'succeeded' || outcome.result.options.returnFaceUrl;
}
