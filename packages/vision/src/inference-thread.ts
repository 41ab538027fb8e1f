import { threadId, workerData } from 'node:worker_threads';
import { Neighbours } from './neighbours.ts';
import { settle, type TaskOutcome } from './task-outcome.ts';
import type { WorkDivision } from './work-division.ts';

/** The exports that an `InferencePool` calls in each of its threads. */
export interface InferenceThread<Task, Result> {
	/** Loads what the tasks need; the pool's start waits for it. */
	ready(): Promise<TaskOutcome<undefined>>;
	run(task: ThreadTask<Task>): Promise<TaskOutcome<Result>>;
}

/** What a thread is given to do. */
export interface ThreadTask<Task> {
	readonly task: Task;
	/** Whether other threads have nothing to do. */
	readonly isLone: boolean;
}

/** What every thread of a pool is started with. */
export interface ThreadData<Options> {
	/** Names the pool, among all of this process. */
	readonly pool: string;
	/** Into how many groups its threads are divided, each of which helps its own. */
	readonly neighbourhoods: number;
	/** For the loader. */
	readonly options: Options;
}

/**
 * The thread's side of an `InferencePool`. A thread's entry module is
 *
 * ```ts
 * export const { ready, run } = inferenceThread(async (options: Options, division) => {
 * 	const detector = await createFaceDetector({ ...options, division });
 * 	return (task: Task) => detector.detect(...);
 * });
 * ```
 *
 * A task must not leave a network running when it settles: the pool ends idle threads, and ending a thread during
 * `session.run` aborts the process.
 *
 * @param load - called once a thread, with the pool's `workerData` and with what shares the parts of a picture out to other
 * threads; gives the function that handles the tasks. When it fails, the pool's start fails with its error.
 */
export function inferenceThread<Options, Task, Result>(
	load: (options: Options, division: WorkDivision) => Promise<(task: Task) => Promise<Result>>,
): InferenceThread<Task, Result> {
	const { options, pool, neighbourhoods }: ThreadData<Options> = workerData;
	const neighbours = new Neighbours({ channel: `${pool}-${threadId % neighbourhoods}` });
	let loaded: Promise<(task: Task) => Promise<Result>> | undefined;
	function handler() {
		loaded ??= load(options, neighbours);
		return loaded;
	}
	return {
		ready: () =>
			settle(async () => {
				await handler();
				return undefined;
			}),
		run: ({ task, isLone }) =>
			settle(async () => neighbours.run(isLone, async () => (await handler())(task))),
	};
}
