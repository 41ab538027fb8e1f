import type { Readable } from 'node:stream';
import { AppError, type BatchEntry, batchEntrySchema, ndjsonLines } from '@facet/contracts';
import type { BatchRecord } from '@facet/queue';
import type { BatchTools } from './batch-tools.ts';
import { type ItemPage, itemPages } from './item-pages.ts';

export interface EntryPage extends ItemPage {
	/** What the items ask for, in the order of `ids`. */
	readonly entries: readonly BatchEntry[];
}

/** Far more than the API writes: a URL has 8 kB at most. */
const MAX_LINE_BYTES = 1_048_576;

/**
 * The items of a batch that are not noted as expanded, in pages, from the file that the API stored.
 *
 * @throws AppError `internal`, not retryable, when the file has gone or is not what it should be; whatever reading throws.
 */
export async function* entryPages(
	batch: BatchRecord,
	{ store }: BatchTools,
): AsyncGenerator<EntryPage, void> {
	const items = await open(store, batch.itemsKey);
	try {
		const entries = readEntries(items);
		for (const page of itemPages(batch.id, 0, batch.total)) {
			const taken = await take(entries, page.ids.length);
			if (page.start + page.ids.length > batch.expanded) yield { ...page, entries: taken };
		}
	} finally {
		items.destroy();
	}
}

async function open(store: BatchTools['store'], key: string): Promise<Readable> {
	return store.get(key).catch((error: unknown) => {
		if (!(error instanceof AppError) || error.code !== 'not_found') throw error;
		throw unreadable('the items of the batch are no longer stored', error);
	});
}

async function* readEntries(items: Readable): AsyncGenerator<BatchEntry, void> {
	for await (const { bytes } of ndjsonLines(items, MAX_LINE_BYTES)) yield toEntry(bytes);
}

function toEntry(line: Uint8Array | undefined): BatchEntry {
	try {
		return batchEntrySchema.parse(JSON.parse(Buffer.from(line ?? []).toString()));
	} catch (error) {
		throw unreadable('items of an unknown shape', error);
	}
}

async function take(entries: AsyncGenerator<BatchEntry, void>, count: number): Promise<BatchEntry[]> {
	const taken: BatchEntry[] = [];
	while (taken.length < count) {
		const next = await entries.next();
		if (next.done) throw unreadable(`${count - taken.length} items too few`);
		taken.push(next.value);
	}
	return taken;
}

function unreadable(detail: string, cause?: unknown): AppError {
	return new AppError('internal', { detail, retryable: false, cause });
}
