import { workerData } from 'node:worker_threads';
import { AppError, type ErrorRecord } from '@facet/contracts';

/**
 * What a task came to, in a form that survives the way between threads: structured cloning keeps an error's message but
 * neither its class nor an AppError's code.
 */
export type TaskOutcome<Result> =
	| { readonly ok: true; readonly value: Result }
	| { readonly ok: false; readonly error: SerialisedError };

export interface SerialisedError {
	/** Set for AppErrors only. */
	readonly record?: ErrorRecord;
	/** The error, or an AppError's cause, as far as structured cloning keeps it. */
	readonly cause?: unknown;
}

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

async function settle<Result>(action: () => Promise<Result>): Promise<TaskOutcome<Result>> {
	try {
		return { ok: true, value: await action() };
	} catch (error) {
		return { ok: false, error: serialise(error) };
	}
}

function serialise(error: unknown): SerialisedError {
	if (!(error instanceof AppError)) return { cause: cloneable(error) };
	return { record: error.toRecord(), cause: cloneable(error.cause) };
}

/** The value, if it can be sent to another thread; else the text of it. */
function cloneable(value: unknown): unknown {
	try {
		return structuredClone(value);
	} catch {
		return new Error(String(value));
	}
}

/** The error of a failed task, on the pool's side. */
export function deserialise({ record, cause }: SerialisedError): unknown {
	return record === undefined ? cause : AppError.fromRecord(record, cause);
}
