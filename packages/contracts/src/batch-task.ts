import { z } from 'zod';
import { detectJobSchema } from './detect-job.ts';

/** Work on a whole batch, too long for a request: a worker does it, and does it again after a crash without harm. */
export const batchTaskSchema = z.object({
	kind: z.enum(['expand', 'cancel', 'erase']),
	batchId: z.string().min(1),
});

/** What of an item is its own: a line of the file that the API stores and that a worker makes jobs of. */
export const batchEntrySchema = detectJobSchema.pick({
	source: true,
	options: true,
	tag: true,
	include: true,
});

export type BatchTask = z.infer<typeof batchTaskSchema>;
export type BatchEntry = z.infer<typeof batchEntrySchema>;

/** Digits of an index in ids: ids of one batch sort by it. */
const INDEX_DIGITS = 5;

/** Most items that ids have room for. */
export const MOST_BATCH_ITEMS = 10 ** INDEX_DIGITS;

/** The id of an item's job: the same every time, so that adding it twice is one job. */
export function batchItemId(batchId: string, index: number): string {
	return `${batchId}.${String(index).padStart(INDEX_DIGITS, '0')}`;
}
