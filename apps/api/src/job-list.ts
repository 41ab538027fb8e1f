import {
	AppError,
	type JobList,
	type JobListQuery,
	toWireJobSummary,
	type WireJobOptions,
} from '@facet/contracts';
import type { IndexEntry, JobIndex, JobReader } from '@facet/queue';

export interface JobListOptions {
	readonly index: JobIndex;
	readonly reader: JobReader;
	readonly wire: WireJobOptions;
}

const DEFAULT_LIMIT = 20;
/** Entries looked at for one page: a state is no part of the index, and a request must come to an end. */
const MOST_ENTRIES = 500;
/** Jobs read at once; their results may be long. */
const READ_AT_ONCE = 25;

/**
 * A page of a caller's jobs, newest first. Jobs whose results have expired are left out.
 *
 * @param owner - id of the caller.
 * @throws AppError `invalid_request` for a cursor of no list, `queue_unavailable`.
 */
export async function listJobs(
	{ index, reader, wire }: JobListOptions,
	owner: string,
	{ tag, status, cursor, limit = DEFAULT_LIMIT }: JobListQuery,
): Promise<JobList> {
	const data: JobList['data'] = [];
	let after = cursor === undefined ? undefined : parseCursor(cursor);
	for (let looked = 0; looked < MOST_ENTRIES; ) {
		const wanted = status === undefined ? Math.min(READ_AT_ONCE, limit - data.length) : READ_AT_ONCE;
		const entries = await pageOf(index, owner, { tag, after, limit: wanted });
		const jobs = await reader.readMany(entries.map(({ id }) => id));
		for (const [position, job] of jobs.entries()) {
			after = entries[position];
			if (!job || (status !== undefined && job.status !== status)) continue;
			data.push(toWireJobSummary(job, wire));
			if (data.length === limit) break;
		}
		looked += entries.length;
		if (data.length === limit) break;
		if (entries.length < wanted) return { data, next_cursor: null };
	}
	const [next] = after ? await pageOf(index, owner, { tag, after, limit: 1 }) : [];
	return { data, next_cursor: after && next ? toCursor(after) : null };
}

async function pageOf(index: JobIndex, ...query: Parameters<JobIndex['page']>): Promise<IndexEntry[]> {
	try {
		return await index.page(...query);
	} catch (error) {
		throw new AppError('queue_unavailable', { cause: error });
	}
}

function toCursor({ id, createdAt }: IndexEntry): string {
	return Buffer.from(`${createdAt} ${id}`).toString('base64url');
}

function parseCursor(cursor: string): IndexEntry {
	const [, createdAt, id] =
		/^(\d{1,16}) ([\w.-]{1,100})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
	if (createdAt !== undefined && id !== undefined) return { id, createdAt: Number(createdAt) };
	throw new AppError('invalid_request', { detail: 'cursor: expected the next_cursor of a page before' });
}
