import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '@facet/contracts';
import {
	InferenceChild,
	type InferenceChildOptions,
	type ProcessEnd,
	ProcessLostError,
} from './inference-child.ts';
import { unwrap } from './task-outcome.ts';
import { TaskSlots } from './task-slots.ts';
import { tasksInHand } from './tasks-in-hand.ts';

export interface InferenceProcessOptions extends InferenceChildOptions {
	/** The longest that a task may run; what takes longer is taken for one that never ends. */
	readonly taskTimeoutMs: number;
	/** Called when the process has died and another one is to take its place. */
	readonly onLost?: () => void;
}

export interface RunOptions {
	/** Gives up waiting. A queued task is dropped; a running one finishes unseen. */
	readonly signal?: AbortSignal;
	/** For how many others a task counts, by the memory that it takes; 1 by default. */
	readonly weight?: number;
	/** Somebody waits for it: it goes before others that wait, by turns with them, and its result to the caller at once. */
	readonly isUrgent?: boolean;
}

/** A task with what its place in the child depends on. */
type PlacedTask<Task> = { readonly task: Task } & Required<Pick<RunOptions, 'weight' | 'isUrgent'>>;

/** The process was killed because of this very task. */
class TaskOverdueError extends ProcessLostError {
	override readonly name = 'TaskOverdueError';
}

/** Pauses before a start that follows on a process which died without having done anything. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Runs tasks in the threads of a child process, so that a fault of native code (a decoder, the runtime) ends that process
 * and not this one, with all its jobs.
 *
 * When the child dies another one is started, and the tasks that it had in hand run again, each alone. So all of them
 * succeed but one that kills the child by itself.
 *
 * A task that does not end is taken for such a fault: the child is killed, and with it the thread that is lost to it.
 *
 * Tasks that do not run wait here: those that a dead child had in hand are then few, and one that is given up is gone.
 */
export class InferenceProcess<Task, Result> {
	readonly #options: InferenceProcessOptions;
	readonly #slots: TaskSlots;
	readonly #stopping = new AbortController();
	/** The child that takes tasks, or will when it has started. */
	#child: Promise<InferenceChild<Task, Result>> | undefined;
	/** The same, while it lives. */
	#alive: InferenceChild<Task, Result> | undefined;
	/** Children in a row that died, or did not start, before they had done anything. */
	#failures = 0;
	#closing: Promise<void> | undefined;

	constructor(options: InferenceProcessOptions) {
		this.#options = options;
		this.#slots = new TaskSlots(tasksInHand(options.threads));
	}

	/** Tasks that wait for a place in the child. */
	get queueSize(): number {
		return this.#slots.waiting;
	}

	/** Tasks that the child has, each as often as it weighs. */
	get runningTasks(): number {
		return this.#slots.taken;
	}

	/** Resident memory of the child as of the end of its last task; 0 while there is none. */
	get rssBytes(): number {
		return this.#alive?.rssBytes ?? 0;
	}

	/** The child's, while it lives. */
	get pid(): number | undefined {
		return this.#alive?.pid;
	}

	/**
	 * Starts the child and waits until each of its threads has loaded its networks.
	 *
	 * @throws what the loader threw in a thread, for instance that the weights were not fetched; Error when the child died.
	 */
	async start(): Promise<void> {
		if (this.#child !== undefined) throw new Error('Expected start to be called once');
		this.#child = this.#startChild();
		await this.#child;
	}

	/**
	 * Runs a task in a thread of the child, or queues it until one is free.
	 *
	 * @throws what the task threw; AppError `worker_lost` when the child died on the task alone, or a thread of it died,
	 * `processing_timeout` when the task alone took too long, `shutting_down` after `close`; the signal's reason.
	 */
	async run(task: Task, { signal, weight = 1, isUrgent = false }: RunOptions = {}): Promise<Result> {
		signal?.throwIfAborted();
		if (this.#closing !== undefined) throw new AppError('shutting_down');
		if (this.#child === undefined) throw new Error('Expected start to have been called before run');
		const release = await this.#slots.take(signal, { slots: weight, isUrgent });
		return await untilAborted(this.#perform({ task, weight, isUrgent }, release, signal), signal);
	}

	/** Takes no more tasks, lets the accepted ones finish, and ends the child. */
	close(): Promise<void> {
		this.#closing ??= this.#drainAndClose();
		return this.#closing;
	}

	async #drainAndClose(): Promise<void> {
		// A child that cannot be started is not waited for, nor are the tasks that it was for.
		this.#stopping.abort(new AppError('shutting_down'));
		await this.#slots.idle();
		const child = await this.#child?.catch(() => undefined);
		await child?.close();
	}

	/** @param release - of the task's slot. */
	async #perform(
		task: PlacedTask<Task>,
		release: () => void,
		signal: AbortSignal | undefined,
	): Promise<Result> {
		let turn: Promise<() => void>;
		try {
			return await this.#attempt(task);
		} catch (error) {
			if (!(error instanceof ProcessLostError)) throw error;
			// Before the slot goes to a task that waits: until it is known what killed the child, nothing else runs.
			turn = this.#slots.takeAll(signal);
		} finally {
			release();
		}
		return await this.#performAlone(task, await turn);
	}

	async #performAlone(task: PlacedTask<Task>, release: () => void): Promise<Result> {
		try {
			return await this.#attempt(task);
		} catch (cause) {
			if (!(cause instanceof ProcessLostError)) throw cause;
			if (cause instanceof TaskOverdueError) {
				const seconds = this.#options.taskTimeoutMs / 1000;
				throw new AppError('processing_timeout', {
					detail: `looking at it took more than ${seconds} s`,
					cause,
				});
			}
			throw new AppError('worker_lost', {
				detail: 'the process that looks at pictures died of this one, twice',
				cause,
			});
		} finally {
			release();
		}
	}

	/** @throws ProcessLostError, TaskOverdueError. */
	async #attempt(task: PlacedTask<Task>): Promise<Result> {
		const child = await this.#child;
		if (child === undefined) throw new Error('Expected a child');
		let isOverdue = false;
		const timer = setTimeout(() => {
			this.#options.logger.error({}, 'a task of the inference process does not end');
			isOverdue = true;
			child.kill();
		}, this.#options.taskTimeoutMs);
		try {
			const outcome = await child.run(task);
			this.#failures = 0;
			return unwrap(outcome);
		} catch (error) {
			throw isOverdue && error instanceof ProcessLostError ? new TaskOverdueError(error.end) : error;
		} finally {
			clearTimeout(timer);
		}
	}

	async #startChild(): Promise<InferenceChild<Task, Result>> {
		const child = await InferenceChild.start<Task, Result>(this.#options, (end, tasks) =>
			this.#replaceChild(end, tasks),
		);
		this.#alive = child;
		this.#options.logger.info({ inferencePid: child.pid }, 'inference process: started');
		return child;
	}

	#replaceChild(end: ProcessEnd, tasks: number): void {
		this.#alive = undefined;
		const { logger, onLost } = this.#options;
		if (this.#closing !== undefined && this.runningTasks === 0) return;
		logger.error({ ...end, tasks }, 'inference process: died, its tasks run again');
		onLost?.();
		const next = this.#restart();
		// Whoever has a task for it gets to know.
		next.catch(() => {});
		this.#child = next;
	}

	/** @throws AppError `shutting_down` when it is to stop before a start succeeds. */
	async #restart(): Promise<InferenceChild<Task, Result>> {
		for (;;) {
			if (this.#failures > 0) await this.#pause();
			this.#failures += 1;
			try {
				return await this.#startChild();
			} catch (err) {
				this.#options.logger.error({ err }, 'inference process: could not be started');
			}
		}
	}

	async #pause(): Promise<void> {
		const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (this.#failures - 1), LONGEST_PAUSE_MS);
		const { signal } = this.#stopping;
		await delay(pauseMs, undefined, { signal }).catch(() => {
			throw signal.reason;
		});
	}
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
