import {
	type JobProgress,
	type JobProgressEvent,
	type JobSnapshot,
	type JobStatus,
	type JobStatusEvent,
	outcomeOf,
} from '@facet/contracts';
import { compareEventIds, type JobEvents, type JobStreamEvent, type JobWaiter } from '@facet/queue';
import type { EventStream } from './event-stream.ts';

export interface JobEventFeedOptions {
	readonly events: JobEvents;
	readonly waiter: Pick<JobWaiter, 'watch'>;
	readonly logger: { warn(context: object, message: string): void };
	/** The job as it is now. */
	readonly look: () => Promise<JobSnapshot>;
}

/** Where a client that comes back has stopped reading. */
export interface LastEvent {
	readonly id: string;
	/** Whether that was the end of the job. */
	readonly isEnd: boolean;
}

/**
 * The outcome is there before the queue's events of the job are all told, of which the end is the last. A job that is canceled
 * while it runs has no such event for a while, or never: its end is told this long after its outcome.
 */
const UNTOLD_END_MS = 1000;

/** What the stream tells of a job, and an end that it does not tell. */
type FedEvent = JobStreamEvent | { readonly kind: 'ended'; readonly id: undefined };

/** The end of a job has the place of the event before it, when no event of the queue told it: a canceled one's, say. */
const END = '-end';

/** Parses `Last-Event-ID`; undefined for none and for one that is not ours. */
export function parseLastEvent(header: string | undefined): LastEvent | undefined {
	const match = /^(\d{1,16}-\d{1,16})(-end)?$/.exec(header ?? '');
	return match?.[1] === undefined ? undefined : { id: match[1], isEnd: match[2] !== undefined };
}

/**
 * Feeds a stream with what happens to one job: first what the client has missed, or else the job as it is, then what
 * comes, until the job has ended. The outcome says how it did: the queue's own events know nothing of canceled jobs.
 */
export class JobEventFeed {
	readonly #options: JobEventFeedOptions;
	readonly #jobId: string;
	readonly #stream: EventStream;
	/** Events that come while the past is read; undefined afterwards. */
	#early: FedEvent[] | undefined = [];
	#lastId = '0-0';
	#lastStatus: JobStatus | undefined;
	#isOver = false;
	/** Runs once the job has an outcome. */
	#untold: NodeJS.Timeout | undefined;
	/** Stop what tells us of the job. */
	readonly #unfollow: (() => void)[];

	private constructor(jobId: string, stream: EventStream, options: JobEventFeedOptions) {
		this.#options = options;
		this.#jobId = jobId;
		this.#stream = stream;
		this.#unfollow = [
			options.waiter.watch(jobId, () => {
				this.#untold ??= setTimeout(() => this.#take({ kind: 'ended', id: undefined }), UNTOLD_END_MS);
			}),
			() => clearTimeout(this.#untold),
		];
	}

	/**
	 * @param last - where the client has stopped reading.
	 * @returns a function that stops the feed; it stops by itself when the job has ended.
	 */
	static start(
		jobId: string,
		stream: EventStream,
		last: LastEvent | undefined,
		options: JobEventFeedOptions,
	): () => void {
		const feed = new JobEventFeed(jobId, stream, options);
		feed.#begin(last).catch((error: unknown) => feed.#fail(error));
		return () => feed.#stop();
	}

	async #begin(last: LastEvent | undefined): Promise<void> {
		const unfollow = await this.#options.events.follow(this.#jobId, (event) => this.#take(event));
		this.#unfollow.push(unfollow);
		if (this.#isOver) return unfollow();
		const missed = last && (await this.#options.events.since(this.#jobId, last.id));
		if (last && missed) {
			this.#lastId = last.id;
			for (const event of missed) this.#tell(event);
		} else {
			await this.#showPresent();
		}
		const early = this.#early ?? [];
		this.#early = undefined;
		for (const event of early) this.#tell(event);
		// It may have ended without an event, or with one that the stream has no more.
		this.#tell({ kind: 'ended', id: undefined });
	}

	async #showPresent(): Promise<void> {
		// The place first: what happens in between is told after the snapshot rather than lost.
		this.#lastId = await this.#options.events.lastId();
		const job = await this.#options.look();
		if (outcomeOf(job)) return this.#finish(job.status);
		this.#sendStatus(job.status);
		if ('progress' in job && job.progress) this.#sendProgress(job.progress);
	}

	#take(event: FedEvent): void {
		if (this.#early) this.#early.push(event);
		else this.#tell(event);
	}

	#tell(event: FedEvent): void {
		if (this.#isOver) return;
		if (event.id !== undefined) {
			if (compareEventIds(event.id, this.#lastId) <= 0) return;
			this.#lastId = event.id;
		}
		switch (event.kind) {
			case 'queued':
			case 'processing':
				if (event.kind !== this.#lastStatus) this.#sendStatus(event.kind);
				return;
			case 'progress':
				this.#sendProgress(event.progress);
				return;
			case 'ended':
				this.#finishIfEnded().catch((error: unknown) => this.#fail(error));
		}
	}

	async #finishIfEnded(): Promise<void> {
		const job = await this.#options.look();
		if (outcomeOf(job)) this.#finish(job.status);
	}

	#sendStatus(status: JobStatus, id = this.#lastId): void {
		this.#lastStatus = status;
		const data: JobStatusEvent = { id: this.#jobId, status, at: timeOf(this.#lastId) };
		this.#stream.send({ event: 'status', id, data });
	}

	#sendProgress({ framesDone, framesWanted }: JobProgress): void {
		const data: JobProgressEvent = {
			id: this.#jobId,
			frames_done: framesDone,
			frames_wanted: framesWanted,
			at: timeOf(this.#lastId),
		};
		this.#stream.sendOrSkip({ event: 'progress', id: this.#lastId, data });
	}

	#finish(status: JobStatus): void {
		if (this.#isOver) return;
		this.#sendStatus(status, this.#lastId + END);
		this.#stop();
	}

	/** The client comes back by itself; what it finds then is an answer with a status. */
	#fail(error: unknown): void {
		if (this.#isOver) return;
		this.#options.logger.warn({ err: error, jobId: this.#jobId }, 'events of a job broken off');
		this.#stop();
	}

	/** Once: the job may end, and then its client go away. */
	#stop(): void {
		if (this.#isOver) return;
		this.#isOver = true;
		for (const unfollow of this.#unfollow) unfollow();
		this.#stream.end();
	}
}

/** An event's id begins with the server's time in milliseconds. */
function timeOf(id: string): string {
	return new Date(Number.parseInt(id, 10)).toISOString();
}
