import type { Logger } from '@facet/contracts';
import { AppError } from '@facet/contracts';
import { Piscina } from 'piscina';
import { deserialise, type TaskOutcome } from './inference-thread.ts';

export interface InferencePoolOptions {
	/** Module of a thread: exports `ready` and `run`, see `inferenceThread`. */
	readonly threadEntry: URL;
	/** Number of threads; one a core is best, since every network runs on one thread. */
	readonly threads: number;
	/** Cloned to every thread, where `inferenceThread` hands it to the loader. */
	readonly workerData: unknown;
	readonly logger: Logger;
}

export interface RunOptions {
	/** Buffers of the task that are handed over rather than copied; they are empty here afterwards. */
	readonly transfer?: readonly ArrayBuffer[];
	/** Gives up waiting. A queued task is dropped; a running one finishes unseen. */
	readonly signal?: AbortSignal;
}

/** Two, so that one task's decoding (sharp's own threads) overlaps with the other's inference. */
const TASKS_PER_THREAD = 2;

/**
 * Runs inference in threads, so that the main thread, which renews the jobs' locks, never blocks.
 *
 * Piscina owns the threads; the queue and the cancellation are here, because Piscina cancels a running task, and closes
 * after a time limit, by terminating the thread - and terminating a thread during `session.run` aborts the process
 * (exit 134).
 */
export class InferencePool<Task, Result> {
	readonly #options: InferencePoolOptions;
	readonly #capacity: number;
	#freeSlots: number;
	/** Tasks that wait for a slot, oldest first: what to call when one is theirs. */
	readonly #waiting = new Set<() => void>();
	#onIdle: (() => void) | undefined;
	#piscina: Piscina<unknown, TaskOutcome<Result>> | undefined;
	#closing: Promise<void> | undefined;

	constructor(options: InferencePoolOptions) {
		this.#options = options;
		this.#capacity = options.threads * TASKS_PER_THREAD;
		this.#freeSlots = this.#capacity;
	}

	/** Tasks that wait for a thread. */
	get queueSize(): number {
		return this.#waiting.size;
	}

	/** Tasks that threads are working on. */
	get runningTasks(): number {
		return this.#capacity - this.#freeSlots;
	}

	/**
	 * Creates all threads and waits until each has loaded its networks.
	 *
	 * @throws what the loader threw in a thread, for instance that the weights were not fetched.
	 */
	async start(): Promise<void> {
		if (this.#piscina !== undefined) throw new Error('Expected start to be called once');
		const { threadEntry, threads, workerData, logger } = this.#options;
		const piscina = new Piscina<unknown, TaskOutcome<Result>>({
			filename: threadEntry.href,
			minThreads: threads,
			maxThreads: threads,
			concurrentTasksPerWorker: TASKS_PER_THREAD,
			workerData,
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
	 * Runs a task in a thread, or queues it until one is free.
	 *
	 * @throws what the task threw; AppError `worker_lost` when its thread died, `shutting_down` after `close`; the
	 * signal's reason.
	 */
	async run(task: Task, { signal, transfer = [] }: RunOptions = {}): Promise<Result> {
		signal?.throwIfAborted();
		if (this.#closing !== undefined) throw new AppError('shutting_down');
		if (this.#piscina === undefined) throw new Error('Expected start to have been called before run');
		await this.#takeSlot(signal);
		return await untilAborted(this.#perform(this.#piscina, task, transfer), signal);
	}

	/** Takes no more tasks, lets the accepted ones finish, and only then ends the threads. */
	close(): Promise<void> {
		this.#closing ??= this.#drainAndClose();
		return this.#closing;
	}

	async #drainAndClose(): Promise<void> {
		if (this.#freeSlots < this.#capacity) {
			await new Promise<void>((resolve) => {
				this.#onIdle = resolve;
			});
		}
		// Nothing runs any more, so that Piscina's own closing, which ends in terminating the threads, is safe.
		await this.#piscina?.close();
	}

	async #perform(
		piscina: Piscina<unknown, TaskOutcome<Result>>,
		task: Task,
		transfer: readonly ArrayBuffer[],
	): Promise<Result> {
		try {
			return unwrap(await this.#dispatch(piscina, task, transfer));
		} finally {
			this.#releaseSlot();
		}
	}

	/** Tasks never reject in a thread, see `TaskOutcome`: a rejection means that the thread itself is gone. */
	async #dispatch(
		piscina: Piscina<unknown, TaskOutcome<Result>>,
		task: Task,
		transfer: readonly ArrayBuffer[],
	): Promise<TaskOutcome<Result>> {
		try {
			return await piscina.run(task, { name: 'run', transferList: [...transfer] });
		} catch (cause) {
			this.#options.logger.error({ err: cause }, 'an inference thread died with its tasks');
			throw new AppError('worker_lost', { cause });
		}
	}

	async #takeSlot(signal: AbortSignal | undefined): Promise<void> {
		if (this.#freeSlots > 0) {
			this.#freeSlots--;
			return;
		}
		let take: (() => void) | undefined;
		const slot = new Promise<void>((resolve) => {
			take = resolve;
			this.#waiting.add(resolve);
		});
		try {
			await untilAborted(slot, signal);
		} catch (error) {
			// The slot may have been handed over just before the signal fired.
			if (take !== undefined && !this.#waiting.delete(take)) this.#releaseSlot();
			throw error;
		}
	}

	/** Hands the slot to the task that has waited longest. */
	#releaseSlot(): void {
		const [next] = this.#waiting;
		if (next !== undefined) {
			this.#waiting.delete(next);
			next();
			return;
		}
		this.#freeSlots++;
		if (this.#freeSlots === this.#capacity) this.#onIdle?.();
	}
}

function unwrap<Result>(outcome: TaskOutcome<Result>): Result {
	if (outcome.ok) return outcome.value;
	throw deserialise(outcome.error);
}

/** The promise, or a rejection with the signal's reason when that fires first. */
async function untilAborted<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
	if (signal === undefined) return promise;
	let stopListening: (() => void) | undefined;
	const aborted = new Promise<never>((_resolve, reject) => {
		const onAbort = () => reject(signal.reason);
		signal.addEventListener('abort', onAbort, { once: true });
		stopListening = () => signal.removeEventListener('abort', onAbort);
	});
	try {
		return await Promise.race([promise, aborted]);
	} finally {
		stopListening?.();
	}
}
