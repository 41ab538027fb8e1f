import type { JobProgress } from '@facet/contracts';
import { QueueEvents } from 'bullmq';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { JOB_CATALOGUE } from './catalogue.ts';
import { JobListeners } from './job-listeners.ts';
import { closedWithin, LAST_WORDS_MS } from './last-words.ts';
import type { Queues } from './queues.ts';

/** What happened to a job, as the queue tells it. `id` is the place in the queue's event stream: `<ms>-<number>`. */
export type JobStreamEvent =
	| { readonly kind: 'queued' | 'processing'; readonly id: string }
	| { readonly kind: 'progress'; readonly id: string; readonly progress: JobProgress }
	/** The job may have ended; its outcome says so, and how. */
	| { readonly kind: 'ended'; readonly id: string };

export interface JobEventsOptions {
	readonly queues: Queues;
	readonly prefix: string;
	/** Opens a connection for reads that block; it is closed here. */
	readonly connect: () => Redis;
}

export const progressSchema = z.object({ framesDone: z.number(), framesWanted: z.number() });

/** Entries read at once; the whole stream has ten thousand or a few more. */
const PAGE = 1000;
const EMPTY_STREAM = '0-0';
/** BullMQ's names of the events that change something for who watches a job. */
const TOLD = ['waiting', 'delayed', 'active', 'progress', 'completed', 'failed', 'removed'] as const;

/** How long nobody has to follow a job until the stream is read no more. */
const LINGER_MS = 10_000;

/**
 * The queue's event stream: its past, and what comes. It is read only while somebody follows a job, since every event of
 * every job is a read of its own. Every method throws AppError `queue_unavailable`.
 */
export class JobEvents {
	readonly #options: JobEventsOptions;
	readonly #queues: Queues;
	readonly #listeners = new JobListeners<JobStreamEvent>();
	#reading: Promise<() => Promise<void>> | undefined;
	#linger: NodeJS.Timeout | undefined;

	constructor(options: JobEventsOptions) {
		this.#options = options;
		this.#queues = options.queues;
	}

	/**
	 * Tells what happens to a job: all that comes after the newest event that there was at the call. Events that Redis drops
	 * or does not keep while it is away are lost.
	 *
	 * @returns a function that stops it.
	 */
	async follow(jobId: string, listener: (event: JobStreamEvent) => void): Promise<() => void> {
		const remove = this.#listeners.add(jobId, listener);
		const unfollow = () => {
			remove();
			if (this.#listeners.isEmpty) this.#linger ??= setTimeout(() => void this.close(), LINGER_MS).unref();
		};
		clearTimeout(this.#linger);
		this.#linger = undefined;
		this.#reading ??= this.#read();
		const reading = this.#reading;
		try {
			await reading;
			return unfollow;
		} catch (error) {
			// Whoever has come since may have begun anew.
			if (this.#reading === reading) this.#reading = undefined;
			unfollow();
			throw error;
		}
	}

	/** Stops reading. */
	async close(): Promise<void> {
		clearTimeout(this.#linger);
		this.#linger = undefined;
		const reading = this.#reading;
		this.#reading = undefined;
		const stop = await reading?.catch(() => undefined);
		await stop?.();
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

	/** @returns what stops it. */
	async #read(): Promise<() => Promise<void>> {
		const lastEventId = await this.lastId();
		const redis = this.#options.connect();
		const events = new QueueEvents(JOB_CATALOGUE.detect.queue, {
			connection: redis,
			prefix: this.#options.prefix,
			// The default `$` means "what comes after this very read" and loses what comes between two reads.
			lastEventId,
		});
		// The connection reports its own errors.
		events.on('error', () => {});
		for (const name of TOLD) {
			events.on(name, (event: { readonly jobId: string; readonly data?: unknown }, id: string) => {
				if (!this.#listeners.has(event.jobId)) return;
				const told = toStreamEvent(name, id, event.data);
				if (told) this.#listeners.tell(event.jobId, told);
			});
		}
		return async () => {
			await closedWithin(events.close(), LAST_WORDS_MS);
			redis.disconnect();
		};
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
function toStreamEvent(name: string, id: string, data: unknown): JobStreamEvent | undefined {
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
