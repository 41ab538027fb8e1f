import type { BatchTools } from './batch-tools.ts';
import { cancelItems } from './end-items.ts';

/** Ends what is unfinished of a batch that is marked as canceled. */
export async function cancelBatch(batchId: string, tools: BatchTools): Promise<void> {
	const { batches, store } = tools;
	const batch = await batches.readAny(batchId);
	if (batch?.canceledAt === undefined) return;
	if (batch.completedAt === undefined) await cancelItems(batch, tools);
	await batches.settle(batchId);
	await store.delete(batch.itemsKey);
}
