import { randomUUID } from 'node:crypto';
import type { Logger } from '@facet/contracts';
import { AppError } from '@facet/contracts';
import { Piscina } from 'piscina';
import type { ThreadData, ThreadTask } from './inference-thread.ts';
import { type TaskOutcome, unwrap } from './task-outcome.ts';

/** Two, so that one task's decoding (sharp's own threads) overlaps with the other's inference. */
const TASKS_PER_THREAD = 2;

/** Threads that help each other, so that a task wakes few of them. */
const NEIGHBOURHOOD = 4;

export interface InferencePoolOptions {
	/** Module of a thread: exports `ready` and `run`, see `inferenceThread`. */
	readonly threadEntry: URL;
	/** Number of threads; one a core is best, since every network runs on one thread. */
	readonly threads: number;
	/** Cloned to every thread, where `inferenceThread` hands it to the loader. */
	readonly workerData: unknown;
	readonly logger: Logger;
}

/**
 * The threads that decode and infer, in the inference process.
 *
 * Which task comes next, and which is given up, is for `InferenceProcess` to say: Piscina cancels a running task, and
 * closes after a time limit, by terminating the thread - and terminating a thread during `session.run` aborts the process
 * (exit 134).
 */
export class InferencePool<Task, Result> {
	readonly #options: InferencePoolOptions;
	#piscina: Piscina<unknown, TaskOutcome<Result>> | undefined;

	constructor(options: InferencePoolOptions) {
		this.#options = options;
	}

	/**
	 * Creates all threads and waits until each has loaded its networks.
	 *
	 * @throws what the loader threw in a thread, for instance that the weights were not fetched.
	 */
	async start(): Promise<void> {
		if (this.#piscina !== undefined) throw new Error('Expected start to be called once');
		const { threadEntry, threads, workerData, logger } = this.#options;
		const data: ThreadData<unknown> = {
			options: workerData,
			pool: randomUUID(),
			neighbourhoods: Math.ceil(threads / NEIGHBOURHOOD),
		};
		const piscina = new Piscina<unknown, TaskOutcome<Result>>({
			filename: threadEntry.href,
			minThreads: threads,
			maxThreads: threads,
			concurrentTasksPerWorker: TASKS_PER_THREAD,
			workerData: data,
			// A thread that waits for a task by Atomics hears no neighbour.
			atomics: 'disabled',
			recordTiming: false,
		});
		// A thread that dies while idle has no task to fail; without a listener the event would end the process.
		piscina.on('error', (error) => logger.error({ err: error }, 'an inference thread died'));
		this.#piscina = piscina;
		// Piscina gives a task to an idle thread before it gives any thread a second one: as many tasks as threads,
		// posted at once, reach every thread.
		const readiness = Array.from({ length: threads }, async () =>
			unwrap(await piscina.run(undefined, { name: 'ready' })),
		);
		// All of them, even after a failure: a thread must not be ended while it loads.
		const failure = (await Promise.allSettled(readiness)).find(({ status }) => status === 'rejected');
		if (failure?.status !== 'rejected') return;
		await this.close();
		throw failure.reason;
	}

	/**
	 * Runs a task in a thread.
	 *
	 * @param isLone - whether other threads have nothing to do, which then help with its picture.
	 * @throws what the task threw; AppError `worker_lost` when its thread died.
	 */
	async run(task: Task, isLone = false): Promise<Result> {
		if (this.#piscina === undefined) throw new Error('Expected start to have been called before run');
		return unwrap(await this.#dispatch(this.#piscina, { task, isLone }));
	}

	/** Ends the threads; to be called when no task runs. */
	async close(): Promise<void> {
		await this.#piscina?.close();
	}

	/** Tasks never reject in a thread, see `TaskOutcome`: a rejection means that the thread itself is gone. */
	async #dispatch(
		piscina: Piscina<unknown, TaskOutcome<Result>>,
		task: ThreadTask<Task>,
	): Promise<TaskOutcome<Result>> {
		try {
			return await piscina.run(task, { name: 'run' });
		} catch (cause) {
			this.#options.logger.error({ err: cause }, 'an inference thread died with its tasks');
			throw new AppError('worker_lost', { cause });
		}
	}
}
