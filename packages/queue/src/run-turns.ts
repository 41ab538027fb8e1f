import { setTimeout as delay } from 'node:timers/promises';
import { AppError, type Logger } from '@facet/contracts';
import type { Redis } from 'ioredis';
import { redisKeys } from './keys.ts';
import { RunGate } from './run-gate.ts';

/**
 * How many workers may be lost on a job while they run others too: any of these may have done it. After that the job runs
 * alone, and is given up as `worker_lost` when it costs one more.
 */
const MAX_SHARED_LOSSES = 2;
/** Longer than a job may run. */
const MARK_TTL_SECONDS = 86_400;
const LOOK_AGAIN_MS = 100;
/**
 * A worker that has lost its lock because Redis was away, or because the machine is too busy, notices at its next renewal,
 * half a lock later, and takes its mark back. So many locks after the job was taken it is dead.
 */
const PATIENCE_LOCKS = 3;

export interface RunTurnsOptions {
	readonly redis: Redis;
	readonly prefix: string;
	/** How long a worker may be silent before its jobs go to another, in milliseconds. */
	readonly lockMs: number;
	/** Takes jobs off the queue; not while one runs alone. */
	readonly worker: { pause(doNotWaitActive: boolean): Promise<void>; resume(): Promise<void> };
	readonly logger: Logger;
}

interface Turn {
	readonly jobId: string;
	/** Workers that were lost while they had the job. */
	readonly lostWorkers: number;
	/** Ends the wait for the turn. */
	readonly signal: AbortSignal;
}

/**
 * Runs the jobs of a worker beside each other, but one on which workers were lost with no other. Such a run is marked in
 * Redis. A mark that stays when the job is taken again was left by a worker that was lost, and nothing but this job can have
 * done it: no job is given up for what another one did.
 */
export class RunTurns {
	readonly #options: RunTurnsOptions;
	readonly #gate = new RunGate();
	/** Jobs that run alone, or wait for that. */
	#lone = 0;

	constructor(options: RunTurnsOptions) {
		this.#options = options;
	}

	/** @throws AppError `worker_lost`; the reason of the signal; what the run throws. */
	async run<T>(turn: Turn, run: () => Promise<T>): Promise<T> {
		if (turn.lostWorkers < MAX_SHARED_LOSSES) return this.#gate.shared(turn.signal, run);
		const { redis, prefix, worker } = this.#options;
		const mark = redisKeys(prefix).loneRun(turn.jobId);
		await this.#expectNoMark(mark, turn);
		this.#lone += 1;
		// What would wait here for the end of this one is for other workers.
		await worker.pause(true);
		try {
			return await this.#gate.alone(turn.signal, async () => {
				await redis.set(mark, '1', 'EX', MARK_TTL_SECONDS);
				this.#options.logger.info(
					{ jobId: turn.jobId, lostWorkers: turn.lostWorkers },
					'queue: job runs alone, it has cost workers',
				);
				// Whatever comes of it, this worker lives then.
				try {
					return await run();
				} finally {
					await redis.del(mark);
				}
			});
		} finally {
			this.#lone -= 1;
			if (this.#lone === 0) await worker.resume();
		}
	}

	/** Waits for a mark to be taken back. @throws AppError `worker_lost` when it stays. */
	async #expectNoMark(mark: string, { lostWorkers, signal }: Turn): Promise<void> {
		const { redis, lockMs } = this.#options;
		const giveUpAt = Date.now() + PATIENCE_LOCKS * lockMs;
		while ((await redis.exists(mark)) === 1) {
			if (Date.now() > giveUpAt) {
				await redis.del(mark);
				throw new AppError('worker_lost', {
					detail: `${lostWorkers} workers were lost while they ran the job, the last one with no other job`,
					retryable: false,
				});
			}
			await delay(LOOK_AGAIN_MS, undefined, { signal });
		}
	}
}
