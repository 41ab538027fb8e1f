import { setTimeout as delay } from 'node:timers/promises';
import { AppError, type JobOutcome, type Logger } from '@facet/contracts';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { DrainRate } from './drain-rate.ts';
import { codeFromReason } from './failure-reason.ts';
import { JobListeners } from './job-listeners.ts';
import { redisKeys } from './keys.ts';
import type { Queues } from './queues.ts';
import { parseEnd, type ResultStore, type ToldEnd } from './result-store.ts';

export interface WaiterOptions {
	/** A connection of its own: it subscribes. */
	readonly redis: Redis;
	readonly prefix: string;
	readonly queues: Queues;
	readonly results: ResultStore;
	readonly logger: Logger;
}

type Signal =
	| { readonly kind: 'ended'; readonly told?: ToldEnd }
	| { readonly kind: 'removed' | 'timeout' | 'closing' }
	| { readonly kind: 'failed'; readonly reason: string };

/** One caller's wait for one job. Made before the job is added, so that no end can come too early. */
export interface Expectation {
	/**
	 * Waits for the job, which was added, to end.
	 *
	 * @throws AppError `wait_timeout` when the time is over, `shutting_down` when this process stops first,
	 * `queue_unavailable` when the result cannot be read, the job's own error when it failed and left no outcome.
	 */
	outcome(timeoutMs: number): Promise<JobOutcome>;
	/** Forgets the wait; the job is not touched. */
	release(): void;
}

/** What is told while Redis is away is lost; Redis is asked this often instead. */
const SWEEP_INTERVAL_MS = 2000;

/** Before each further try to read an outcome that is there: more than a connection takes to come back. */
const PAUSES_MS = [50, 100, 200, 400, 800];

const factsSchema = z.tuple([z.string().nullable(), z.string().nullable(), z.string().nullable()]);

/**
 * Waits for jobs to end: one subscriber for the whole process to the channel on which the script that writes an outcome
 * tells it, raced with a timeout for each job. What is not told with it is read from the result store. Every two seconds a look
 * at all that is waited for, so that a lost message loses no answer.
 */
export class JobWaiter {
	readonly #options: WaiterOptions;
	/** Jobs that somebody wants to hear of. */
	readonly #expected = new JobListeners<Signal>();
	/** How many wait for a job that has been added. */
	readonly #awaited = new Map<string, number>();
	readonly #sweep: NodeJS.Timeout;
	/** How fast the whole queue empties. */
	readonly drainRate = new DrainRate();

	/** Listens from now on. Does not wait for Redis. */
	constructor(options: WaiterOptions) {
		const { redis, prefix } = options;
		this.#options = options;
		redis.on('messageBuffer', (_channel: Buffer, message: Buffer) => {
			const told = parseEnd(message);
			this.drainRate.count();
			this.#expected.tell(told.jobId, { kind: 'ended', told });
		});
		// Waits for Redis, and is repeated after each connection that was lost; it fails when the process stops before.
		redis.subscribe(redisKeys(prefix).ended).catch(() => {});
		this.#sweep = setInterval(() => void this.#collectMissed(), SWEEP_INTERVAL_MS).unref();
	}

	expect(jobId: string): Expectation {
		let resolve: (signal: Signal) => void = () => {};
		const signalled = new Promise<Signal>((resolveSignal) => {
			resolve = resolveSignal;
		});
		const release = this.#expected.add(jobId, resolve);
		return {
			release,
			outcome: async (timeoutMs) => {
				const timer = setTimeout(() => resolve({ kind: 'timeout' }), timeoutMs);
				this.#awaited.set(jobId, (this.#awaited.get(jobId) ?? 0) + 1);
				try {
					return await this.#outcome(jobId, await signalled);
				} finally {
					clearTimeout(timer);
					const others = (this.#awaited.get(jobId) ?? 1) - 1;
					if (others === 0) this.#awaited.delete(jobId);
					else this.#awaited.set(jobId, others);
					release();
				}
			},
		};
	}

	/**
	 * Tells when a job has ended, perhaps more than once.
	 *
	 * @returns a function that stops it.
	 */
	watch(jobId: string, onEnd: () => void): () => void {
		return this.#expected.add(jobId, ({ kind }) => {
			if (kind === 'ended') onEnd();
		});
	}

	/** Stops listening; whoever still waits gets `shutting_down`. */
	close(): void {
		clearInterval(this.#sweep);
		for (const jobId of this.#expected.jobIds) this.#expected.tell(jobId, { kind: 'closing' });
		this.#options.redis.disconnect();
	}

	async #outcome(jobId: string, signal: Signal): Promise<JobOutcome> {
		if (signal.kind === 'closing') throw new AppError('shutting_down');
		const told = signal.kind === 'ended' && signal.told ? await this.#unpack(signal.told) : undefined;
		if (told) return told;
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
			case 'ended':
				throw new AppError('internal', { detail: 'the result of the job has expired' });
		}
	}

	async #unpack(told: ToldEnd): Promise<JobOutcome | undefined> {
		// What cannot be read here is read from the store, where the fault is told.
		return this.#options.results.unpack(told).catch(() => undefined);
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

	async #collectMissed(): Promise<void> {
		if (this.#expected.isEmpty) return;
		try {
			const [ended, lost] = await Promise.all([
				this.#options.results.ended(this.#expected.jobIds),
				this.#lost([...this.#awaited.keys()]),
			]);
			for (const jobId of ended) this.#expected.tell(jobId, { kind: 'ended' });
			// One that has ended meanwhile has an outcome, which is read before it is believed to be lost.
			for (const [jobId, signal] of lost) this.#expected.tell(jobId, signal);
		} catch (error) {
			this.#options.logger.debug({ err: error }, 'queue: sweep for missed results failed');
		}
	}

	/** Jobs that the queue has given up by itself, or has no more: nothing tells the end of these. */
	async #lost(jobIds: readonly string[]): Promise<[string, Signal][]> {
		return this.#options.queues.use('detect', async (queue, redis) => {
			const pipeline = redis.pipeline();
			for (const jobId of jobIds) {
				pipeline.hmget(queue.toKey(jobId), 'timestamp', 'finishedOn', 'failedReason');
			}
			const replies = (await pipeline.exec()) ?? [];
			return jobIds.flatMap((jobId, index): [string, Signal][] => {
				const [error, reply] = replies[index] ?? [];
				const [timestamp, finishedOn, reason] = error ? [''] : factsSchema.parse(reply);
				if (timestamp === null) return [[jobId, { kind: 'removed' }]];
				return finishedOn && reason ? [[jobId, { kind: 'failed', reason }]] : [];
			});
		});
	}
}
