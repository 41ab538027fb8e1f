import { AppError, type BatchEntry, type ErrorRecord } from '@facet/contracts';
import type { BatchRecord } from '@facet/queue';
import pMap from 'p-map';
import type { BatchTools } from './batch-tools.ts';
import { entryPages } from './entry-pages.ts';
import { type ItemPage, itemPages, PAGE_ITEMS } from './item-pages.ts';

/** Jobs that are ended side by side: each takes some round trips. */
const CONCURRENCY = 32;

/**
 * Ends every item that has not ended as canceled: waiting ones, running ones, and those that no queue has yet.
 *
 * From the last to the first: once the running ones, which are the first, are stopped, none must wait to take their place.
 */
export async function cancelItems(batch: BatchRecord, tools: BatchTools): Promise<void> {
	// A page more than is noted: an expansion may have added it when it was stopped.
	const end = Math.min(batch.total, batch.expanded + PAGE_ITEMS);
	for (const { ids } of [...itemPages(batch.id, 0, end)].reverse()) {
		tools.signal.throwIfAborted();
		const ended = new Set(await tools.results.ended(ids));
		await endJobs(ids.filter((id) => !ended.has(id)).reverse(), tools);
	}
	if (batch.expanded < batch.total) await endUnexpanded(batch, { code: 'canceled' }, tools);
}

/** Ends jobs as canceled that have not ended, and takes them off the queue whether they have or not. */
export async function endJobs(ids: readonly string[], { control }: BatchTools): Promise<void> {
	await pMap(ids, (id) => control.end(id, 'canceled'), { concurrency: CONCURRENCY });
}

/** Ends those items, of all that are not noted as expanded, that have not ended. */
export async function endUnexpanded(
	batch: BatchRecord,
	error: ErrorRecord,
	tools: BatchTools,
): Promise<void> {
	let start = batch.expanded;
	try {
		for await (const page of entryPages(batch, tools)) {
			tools.signal.throwIfAborted();
			await endPage(batch, page, error, tools);
			start = page.start + page.ids.length;
		}
	} catch (thrown) {
		if (!(thrown instanceof AppError) || thrown.retryable) throw thrown;
		// What the rest asked for is lost with the file.
		for (const page of itemPages(batch.id, start, batch.total)) await endPage(batch, page, error, tools);
	}
}

async function endPage(
	batch: BatchRecord,
	{ ids, entries = [] }: ItemPage & { readonly entries?: readonly BatchEntry[] },
	error: ErrorRecord,
	{ results }: BatchTools,
): Promise<void> {
	const ended = new Set(await results.ended(ids));
	const status = error.code === 'canceled' ? 'canceled' : 'failed';
	const facts = {
		...factsOf(batch),
		createdAt: batch.createdAt,
		finishedAt: Date.now(),
		attempts: 0,
	};
	await pMap(
		ids,
		async (id, place) => {
			if (ended.has(id)) return;
			const { source: _, options: __, ...own } = entries[place] ?? {};
			await results.finish(id, { status, error, job: { ...facts, ...own } });
		},
		{ concurrency: CONCURRENCY },
	);
}

/** What all items of a batch have in common. */
export function factsOf({ id, owner, deadline, itemWebhook, counted }: BatchRecord) {
	return {
		owner,
		batchId: id,
		...(deadline !== undefined && { deadline }),
		...(itemWebhook && { webhook: itemWebhook }),
		...(counted && { counted }),
	};
}
