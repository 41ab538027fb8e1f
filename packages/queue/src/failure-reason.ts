import { type AppError, isErrorCode, type JobOutcome } from '@facet/contracts';
import { UnrecoverableError } from 'bullmq';

type Failure = Extract<JobOutcome, { status: 'failed' }>;

/** BullMQ's own words for a job whose workers died on it too often. */
const STALLED_REASON = 'job stalled more than allowable limit';

/** The error to throw at BullMQ: one that it does not retry when no retry can help. */
export function toBullError(error: AppError): Error {
	if (error.retryable) return error;
	const unrecoverable = new UnrecoverableError(error.message);
	unrecoverable.cause = error;
	return unrecoverable;
}

/** Reads a job's `failedReason` back: what `toBullError` wrote, or BullMQ's own words. */
export function failureFromReason(reason: string): Failure {
	if (reason.startsWith(STALLED_REASON)) return { status: 'failed', error: { code: 'worker_lost' } };
	const code = reason.slice(0, reason.indexOf(':'));
	return { status: 'failed', error: { code: isErrorCode(code) ? code : 'internal' } };
}
