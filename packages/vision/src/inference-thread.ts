import { workerData } from 'node:worker_threads';
import { settle, type TaskOutcome } from './task-outcome.ts';

/** The exports that an `InferencePool` calls in each of its threads. */
export interface InferenceThread<Task, Result> {
	/** Loads what the tasks need; the pool's start waits for it. */
	ready(): Promise<TaskOutcome<undefined>>;
	run(task: Task): Promise<TaskOutcome<Result>>;
}

/**
 * The thread's side of an `InferencePool`. A thread's entry module is
 *
 * ```ts
 * export const { ready, run } = inferenceThread(async (options: Options) => {
 * 	const detector = await createFaceDetector(options);
 * 	return (task: Task) => detector.detect(...);
 * });
 * ```
 *
 * A task must not leave a network running when it settles: the pool ends idle threads, and ending a thread during
 * `session.run` aborts the process.
 *
 * @param load - called once a thread with the pool's `workerData`; gives the function that handles the tasks. When it
 * fails, the pool's start fails with its error.
 */
export function inferenceThread<Options, Task, Result>(
	load: (options: Options) => Promise<(task: Task) => Promise<Result>>,
): InferenceThread<Task, Result> {
	let loaded: Promise<(task: Task) => Promise<Result>> | undefined;
	function handler() {
		loaded ??= load(workerData);
		return loaded;
	}
	return {
		ready: () =>
			settle(async () => {
				await handler();
				return undefined;
			}),
		run: (task) => settle(async () => (await handler())(task)),
	};
}
