import { AppError, type ErrorRecord } from '@facet/contracts';

/**
 * What a task came to, in a form that survives the way between threads and processes: structured cloning keeps an
 * error's message but neither its class nor an AppError's code.
 */
export type TaskOutcome<Result> =
	| { readonly ok: true; readonly value: Result }
	| { readonly ok: false; readonly error: SerialisedError };

interface SerialisedError {
	/** Set for AppErrors only. */
	readonly record?: ErrorRecord;
	/** The error, or an AppError's cause, as far as structured cloning keeps it. */
	readonly cause?: unknown;
}

/** Runs an action; never rejects. */
export async function settle<Result>(action: () => Promise<Result>): Promise<TaskOutcome<Result>> {
	try {
		return { ok: true, value: await action() };
	} catch (error) {
		return { ok: false, error: serialise(error) };
	}
}

/** @throws the error of a failed task, as it was where the task ran. */
export function unwrap<Result>(outcome: TaskOutcome<Result>): Result {
	if (outcome.ok) return outcome.value;
	const { record, cause } = outcome.error;
	throw record === undefined ? cause : AppError.fromRecord(record, cause);
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
