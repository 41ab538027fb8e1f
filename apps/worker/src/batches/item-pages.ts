import { batchItemId } from '@facet/contracts';

/** A run of items of a batch. */
export interface ItemPage {
	/** Index of the first. */
	readonly start: number;
	/** Ids of their jobs. */
	readonly ids: readonly string[];
}

/** Items that are looked at together: few round trips, and no more in memory than these. */
export const PAGE_ITEMS = 500;

/** The items from `start` to before `end`, in pages. */
export function* itemPages(
	batchId: string,
	start: number,
	end: number,
	size = PAGE_ITEMS,
): Generator<ItemPage> {
	for (let from = start; from < end; from += size) {
		const length = Math.min(size, end - from);
		yield { start: from, ids: Array.from({ length }, (_, offset) => batchItemId(batchId, from + offset)) };
	}
}
