import { setTimeout as delay } from 'node:timers/promises';
import { AppError, type JobOutcome, type Logger } from '@facet/contracts';
import { QueueEvents } from 'bullmq';
import type { Redis } from 'ioredis';
import { JOB_CATALOGUE, type JobName } from './catalogue.ts';
import { DrainRate } from './drain-rate.ts';
import { codeFromReason } from './failure-reason.ts';
import { type JobStreamEvent, toStreamEvent } from './job-events.ts';
import { redisKeys } from './keys.ts';
import { closedWithin, LAST_WORDS_MS } from './last-words.ts';
import type { ResultStore } from './result-store.ts';

export interface WaiterOptions {
	/** A connection of its own: it blocks on the event stream. Another one like it listens to the ends of jobs. */
	readonly redis: Redis;
	readonly prefix: string;
	readonly results: ResultStore;
	readonly logger: Logger;
}

type Signal =
	| { readonly kind: 'completed' | 'removed' | 'timeout' | 'closing' }
	| { readonly kind: 'failed'; readonly reason: string };

/** One caller's wait for one job. Made before the job is added, so that no event can come too early. */
export interface Expectation {
	/**
	 * Waits for the job to end.
	 *
	 * @throws AppError `wait_timeout` when the time is over, `shutting_down` when this process stops first,
	 * `queue_unavailable` when the result cannot be read, the job's own error when it failed and left no outcome.
	 */
	outcome(timeoutMs: number): Promise<JobOutcome>;
	/** Forgets the wait; the job is not touched. */
	release(): void;
}

/** What is told while Redis is away is lost, and streams are trimmed; the result store is asked this often instead. */
const SWEEP_INTERVAL_MS = 2000;

/** Before each further try to read an outcome that is there: more than a connection takes to come back. */
const PAUSES_MS = [50, 100, 200, 400, 800];

/**
 * Waits for jobs to end: one listener for the whole process, raced with a timeout for each job, and a look at the result
 * store at the end of each wait, so that a lost message loses no answer.
 *
 * A job's end is told twice: when its outcome is written, for those who wait for that, and by the queue's event stream, some
 * milliseconds later, in order with all else that happens to it.
 */
export class JobWaiter {
	readonly #options: WaiterOptions;
	readonly #events: QueueEvents;
	readonly #ends: Redis;
	readonly #expected = new Map<string, Set<(signal: Signal) => void>>();
	readonly #followed = new Map<string, Set<(event: JobStreamEvent) => void>>();
	readonly #sweep: NodeJS.Timeout;
	/** How fast the whole queue empties, seen from its events. */
	readonly drainRate = new DrainRate();

	private constructor(options: WaiterOptions, events: QueueEvents) {
		this.#options = options;
		this.#events = events;
		this.#ends = listenToEnds(options, (jobId) => this.#signal(jobId, { kind: 'completed' }));
		// The connection reports its own errors.
		events.on('error', () => {});
		events.on('completed', ({ jobId }, id) => {
			this.#ended(jobId, { kind: 'completed' });
			this.#tell(jobId, 'completed', id);
		});
		events.on('failed', ({ jobId, failedReason }, id) => {
			this.#ended(jobId, { kind: 'failed', reason: failedReason });
			this.#tell(jobId, 'failed', id);
		});
		events.on('removed', ({ jobId }, id) => {
			this.#signal(jobId, { kind: 'removed' });
			this.#tell(jobId, 'removed', id);
		});
		events.on('waiting', ({ jobId }, id) => this.#tell(jobId, 'waiting', id));
		events.on('delayed', ({ jobId }, id) => this.#tell(jobId, 'delayed', id));
		events.on('active', ({ jobId }, id) => this.#tell(jobId, 'active', id));
		events.on('progress', ({ jobId, data }, id) => this.#tell(jobId, 'progress', id, data));
		this.#sweep = setInterval(() => void this.#collectMissed(), SWEEP_INTERVAL_MS).unref();
	}

	/** Starts to read the events of a queue, from now on. Does not wait for Redis. */
	static start(name: JobName, options: WaiterOptions): JobWaiter {
		const events = new QueueEvents(JOB_CATALOGUE[name].queue, {
			connection: options.redis,
			prefix: options.prefix,
			// The default `$` means "what comes after this very read" and loses what comes between two reads. A stream id
			// is a time of the server's; an hour of margin for its clock costs one look at old events and nothing else.
			lastEventId: `${Date.now() - 3_600_000}-0`,
		});
		return new JobWaiter(options, events);
	}

	expect(jobId: string): Expectation {
		let resolve: (signal: Signal) => void = () => {};
		const signalled = new Promise<Signal>((resolveSignal) => {
			resolve = resolveSignal;
		});
		const listeners = this.#expected.get(jobId) ?? new Set();
		this.#expected.set(jobId, listeners.add(resolve));
		const release = () => {
			listeners.delete(resolve);
			if (listeners.size === 0) this.#expected.delete(jobId);
		};
		return {
			release,
			outcome: async (timeoutMs) => {
				const timer = setTimeout(() => resolve({ kind: 'timeout' }), timeoutMs);
				try {
					return await this.#outcome(jobId, await signalled);
				} finally {
					clearTimeout(timer);
					release();
				}
			},
		};
	}

	/**
	 * Tells what happens to a job from now on. Events that are lost while Redis is away stay so, but for its end.
	 *
	 * @returns a function that stops it.
	 */
	follow(jobId: string, listener: (event: JobStreamEvent) => void): () => void {
		const listeners = this.#followed.get(jobId) ?? new Set();
		this.#followed.set(jobId, listeners.add(listener));
		return () => {
			listeners.delete(listener);
			if (listeners.size === 0) this.#followed.delete(jobId);
		};
	}

	/** Stops reading; whoever still waits gets `shutting_down`. */
	async close(): Promise<void> {
		clearInterval(this.#sweep);
		for (const jobId of this.#expected.keys()) this.#signal(jobId, { kind: 'closing' });
		this.#ends.disconnect();
		await closedWithin(this.#events.close(), LAST_WORDS_MS);
	}

	async #outcome(jobId: string, signal: Signal): Promise<JobOutcome> {
		if (signal.kind === 'closing') throw new AppError('shutting_down');
		const stored = await this.#read(jobId, signal.kind === 'timeout' ? [] : PAUSES_MS).catch(
			(error: unknown) => {
				// When the wait was over anyway, that is what the client needs to know: the job runs on.
				if (signal.kind === 'timeout') return undefined;
				throw new AppError('queue_unavailable', { cause: error });
			},
		);
		if (stored) return stored;
		switch (signal.kind) {
			case 'failed':
				throw new AppError(codeFromReason(signal.reason));
			case 'timeout':
				throw new AppError('wait_timeout');
			case 'removed':
				throw new AppError('internal', { detail: 'the job was removed from the queue' });
			case 'completed':
				throw new AppError('internal', { detail: 'the result of the job has expired' });
		}
	}

	/** After an outage, the connection that results are read by may be back a moment later than the one that told the end. */
	async #read(jobId: string, [pause, ...pauses]: readonly number[]): Promise<JobOutcome | undefined> {
		try {
			return await this.#options.results.get(jobId);
		} catch (error) {
			if (pause === undefined) throw error;
			await delay(pause);
			return this.#read(jobId, pauses);
		}
	}

	#ended(jobId: string, signal: Signal): void {
		this.drainRate.count();
		this.#signal(jobId, signal);
	}

	#signal(jobId: string, signal: Signal): void {
		for (const resolve of this.#expected.get(jobId) ?? []) resolve(signal);
	}

	#tell(jobId: string, name: string, id: string, data?: unknown): void {
		const listeners = this.#followed.get(jobId);
		if (listeners === undefined) return;
		const event = toStreamEvent(name, id, data);
		if (event) for (const listener of listeners) listener(event);
	}

	async #collectMissed(): Promise<void> {
		const watched = new Set([...this.#expected.keys(), ...this.#followed.keys()]);
		if (watched.size === 0) return;
		try {
			for (const jobId of await this.#options.results.ended([...watched])) {
				this.#signal(jobId, { kind: 'completed' });
				for (const listener of this.#followed.get(jobId) ?? []) listener({ kind: 'ended', id: undefined });
			}
		} catch (error) {
			this.#options.logger.debug({ err: error }, 'queue: sweep for missed results failed');
		}
	}
}

/** Calls `onEnd` with the id of each job whose outcome is written, as long as the connection that it returns is there. */
function listenToEnds({ redis, prefix }: WaiterOptions, onEnd: (jobId: string) => void): Redis {
	const ends = redis.duplicate();
	// The connection that this one is like reports that Redis is away.
	ends.on('error', () => {});
	ends.on('message', (_channel, jobId) => onEnd(jobId));
	// Waits for Redis, and is repeated after each connection that was lost; it fails when the process stops before.
	ends.subscribe(redisKeys(prefix).ended).catch(() => {});
	return ends;
}
