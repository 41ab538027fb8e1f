import {
	AppError,
	type BatchResult,
	batchItemId,
	type JobOutcome,
	toWireJob,
	type WireJobOptions,
} from '@facet/contracts';
import type { BatchRecord, JobReader, ResultStore } from '@facet/queue';

export interface BatchResultsOptions {
	readonly results: ResultStore;
	readonly reader: JobReader;
	readonly wire: WireJobOptions;
}

/** Which items are wanted. */
export interface ResultsRange {
	/** Index of the first. */
	readonly start: number;
	/** Index behind the last. */
	readonly end: number;
}

const PAGE = 100;

/** @throws AppError `invalid_request` for a cursor that is not of this batch. */
export function resultsRange(
	{ total }: BatchRecord,
	{
		cursor = '0',
		limit = total,
	}: { readonly cursor?: string | undefined; readonly limit?: number | undefined },
): ResultsRange {
	const start = /^\d{1,9}$/.test(cursor) ? Number(cursor) : Number.POSITIVE_INFINITY;
	if (start > total) {
		throw new AppError('invalid_request', { detail: 'cursor: expected the cursor of a line of this batch' });
	}
	return { start, end: Math.min(total, start + limit) };
}

/**
 * The items of a batch in their order, as lines of NDJSON, in texts of up to a hundred lines. Items are looked at when
 * their page is asked for.
 *
 * @throws AppError `queue_unavailable`.
 */
export async function* batchResults(
	batch: BatchRecord,
	{ start, end }: ResultsRange,
	options: BatchResultsOptions,
): AsyncGenerator<string, void> {
	for (let from = start; from < end; from += PAGE) {
		const length = Math.min(PAGE, end - from);
		const ids = Array.from({ length }, (_, offset) => batchItemId(batch.id, from + offset));
		const outcomes = await options.results.getMany(ids).catch((error: unknown) => {
			throw new AppError('queue_unavailable', { cause: error });
		});
		const lines = await Promise.all(
			ids.map((id, offset) => toLine(batch, from + offset, id, outcomes[offset], options)),
		);
		yield lines.map((line) => `${JSON.stringify(line)}\n`).join('');
	}
}

async function toLine(
	{ expanded }: BatchRecord,
	index: number,
	id: string,
	outcome: JobOutcome | undefined,
	{ reader, wire }: BatchResultsOptions,
): Promise<BatchResult> {
	const line = { index, id, cursor: String(index + 1) };
	const job = outcome ? { id, status: outcome.status, outcome } : await reader.read(id);
	if (job) return { ...line, status: job.status, job: await toWireJob(job, wire) };
	// One that had a job and has none ended long ago.
	return { ...line, status: index < expanded ? 'gone' : 'queued', job: null };
}
