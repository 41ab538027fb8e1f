import { AppError, toDetectFailure } from '@facet/contracts';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import { QueueFullError } from '../detection-service.ts';
import { contextOf } from './request-context.ts';

/** How long a client should leave a service alone that is down or that stops, in seconds. */
const OUTAGE_RETRY_SECONDS = 5;

/** The one place where an error becomes an HTTP answer. */
export function errorResponse(): ErrorRequestHandler {
	return (thrown, request, response, next) => {
		if (response.headersSent) return next(thrown);
		// The client has gone; its job runs on.
		if (response.destroyed) return;
		const error = toAppError(thrown);
		const { logger } = contextOf(request);
		if (error.status >= 500) logger.error({ err: error }, 'request failed');
		else logger.debug({ err: error }, 'request refused');

		if (error instanceof QueueFullError) response.setHeader('Retry-After', error.retryAfterSeconds);
		else if (error.status === 503) response.setHeader('Retry-After', OUTAGE_RETRY_SECONDS);
		if (error.code === 'unauthorized') response.setHeader('WWW-Authenticate', 'Bearer');
		const jobId = response.getHeader('X-Job-Id');
		response.status(error.status).json(toDetectFailure(error, typeof jobId === 'string' ? jobId : undefined));
	};
}

export function notFound(): RequestHandler {
	return (_request, _response, next) => next(new AppError('not_found'));
}

/** For paths that exist, with another method. */
export function methodNotAllowed(...allowed: string[]): RequestHandler {
	return (request, response, next) => {
		response.setHeader('Allow', allowed.join(', '));
		next(
			new AppError('method_not_allowed', {
				detail: `expected ${allowed.join(' or ')}, received ${request.method}`,
			}),
		);
	};
}

/** Express's own refusals (a malformed path, say) carry a 4xx status. */
function toAppError(thrown: unknown): AppError {
	const status = thrown instanceof Error && 'status' in thrown ? Number(thrown.status) : Number.NaN;
	if (!(thrown instanceof AppError) && status >= 400 && status < 500) {
		return new AppError('invalid_request', { cause: thrown });
	}
	return AppError.from(thrown);
}
