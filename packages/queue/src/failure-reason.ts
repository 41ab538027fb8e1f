import { type AppError, type ErrorCode, isErrorCode } from '@facet/contracts';
import { UnrecoverableError } from 'bullmq';

/** The error to throw at BullMQ: one that it does not retry when no retry can help. */
export function toBullError(error: AppError): Error {
	if (error.retryable) return error;
	const unrecoverable = new UnrecoverableError(error.message);
	unrecoverable.cause = error;
	return unrecoverable;
}

/** Reads back from a job's `failedReason` what `toBullError` wrote. */
export function codeFromReason(reason: string): ErrorCode {
	const code = reason.slice(0, reason.indexOf(':'));
	return isErrorCode(code) ? code : 'internal';
}
