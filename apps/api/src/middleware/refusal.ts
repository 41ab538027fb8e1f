import { AppError } from '@facet/contracts';
import type { Request, Response } from 'express';
import { contextOf } from './request-context.ts';

/** How long a client should leave a service alone that is down, that stops or that is full, in seconds. */
const DEFAULT_RETRY_SECONDS = 5;

export interface Refusal {
	readonly error: AppError;
	readonly requestId: string;
	/** The job that the request made or asked for, when there is one. */
	readonly jobId: string | undefined;
}

/** What all answers to an error have in common, whatever their body: the log, the status, the headers. */
export function refuse(thrown: unknown, request: Request, response: Response): Refusal {
	const error = toAppError(thrown);
	const { logger, requestId } = contextOf(request);
	if (error.status >= 500) logger.error({ err: error }, 'request failed');
	// The client is told more: it quotes what was sent, and with that what does not belong into a log.
	else logger.debug({ code: error.code }, 'request refused');

	if (error.retryable && (error.status === 429 || error.status === 503)) {
		response.setHeader('Retry-After', error.retryAfterSeconds ?? DEFAULT_RETRY_SECONDS);
	}
	if (error.status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
	response.status(error.status);
	const jobId = response.getHeader('X-Job-Id');
	return { error, requestId, jobId: typeof jobId === 'string' ? jobId : undefined };
}

/** Express's own refusals (a malformed path, say) carry a 4xx status. */
function toAppError(thrown: unknown): AppError {
	const status = thrown instanceof Error && 'status' in thrown ? Number(thrown.status) : Number.NaN;
	if (!(thrown instanceof AppError) && status >= 400 && status < 500) {
		return new AppError('invalid_request', { cause: thrown });
	}
	return AppError.from(thrown);
}
