import type { JobProgress } from '@facet/contracts';
import { z } from 'zod';
import type { Queues } from './queues.ts';

/** What happened to a job, as the queue tells it. `id` is the place in the queue's event stream: `<ms>-<number>`. */
export type JobStreamEvent =
	| { readonly kind: 'queued' | 'processing'; readonly id: string }
	| { readonly kind: 'progress'; readonly id: string; readonly progress: JobProgress }
	/** The job may have ended; its outcome says so, and how. Without an id when no event told it. */
	| { readonly kind: 'ended'; readonly id: string | undefined };

export const progressSchema = z.object({ framesDone: z.number(), framesWanted: z.number() });

/** Entries read at once; the whole stream has ten thousand or a few more. */
const PAGE = 1000;
const EMPTY_STREAM = '0-0';

/** Reads the past of the queue's event stream. Every method throws AppError `queue_unavailable`. */
export class JobEvents {
	readonly #queues: Queues;

	constructor(queues: Queues) {
		this.#queues = queues;
	}

	/** Id of the newest event of any job. */
	async lastId(): Promise<string> {
		return this.#queues.use('detect', async ({ keys }, redis) => {
			const [newest] = await redis.xrevrange(keys.events ?? '', '+', '-', 'COUNT', 1);
			return newest?.[0] ?? EMPTY_STREAM;
		});
	}

	/**
	 * What happened to a job after the event with this id.
	 *
	 * @returns undefined when the stream does not go back so far.
	 */
	async since(jobId: string, id: string): Promise<JobStreamEvent[] | undefined> {
		return this.#queues.use('detect', async ({ keys }, redis) => {
			const stream = keys.events ?? '';
			const [oldest] = await redis.xrange(stream, '-', '+', 'COUNT', 1);
			if (oldest === undefined || compareEventIds(oldest[0], id) > 0) return undefined;
			const events: JobStreamEvent[] = [];
			for (let after = id; ; ) {
				const page = await redis.xrange(stream, `(${after}`, '+', 'COUNT', PAGE);
				for (const [entryId, pairs] of page) {
					const { event, jobId: of, data } = fieldsOf(pairs);
					const known = of === jobId ? toStreamEvent(event ?? '', entryId, parseData(data)) : undefined;
					if (known) events.push(known);
				}
				after = page.at(-1)?.[0] ?? after;
				if (page.length < PAGE) return events;
			}
		});
	}
}

/** Less than 0 when `a` was before `b`. */
export function compareEventIds(a: string, b: string): number {
	const [aMs = 0, aNumber = 0] = a.split('-').map(Number);
	const [bMs = 0, bNumber = 0] = b.split('-').map(Number);
	return aMs - bMs || aNumber - bNumber;
}

/**
 * An event of BullMQ's as one of ours; undefined for those that change nothing for who watches the job.
 *
 * @param name - BullMQ's name of the event.
 */
export function toStreamEvent(name: string, id: string, data: unknown): JobStreamEvent | undefined {
	switch (name) {
		case 'waiting':
		case 'delayed':
			return { kind: 'queued', id };
		case 'active':
			return { kind: 'processing', id };
		case 'completed':
		case 'failed':
		case 'removed':
			return { kind: 'ended', id };
		case 'progress': {
			const parsed = progressSchema.safeParse(data);
			return parsed.success ? { kind: 'progress', id, progress: parsed.data } : undefined;
		}
		default:
			return undefined;
	}
}

function fieldsOf(pairs: readonly string[]): Record<string, string> {
	const fields: Record<string, string> = {};
	for (let i = 0; i + 1 < pairs.length; i += 2) fields[pairs[i] ?? ''] = pairs[i + 1] ?? '';
	return fields;
}

function parseData(data: string | undefined): unknown {
	try {
		return data === undefined ? undefined : JSON.parse(data);
	} catch {
		return undefined;
	}
}
