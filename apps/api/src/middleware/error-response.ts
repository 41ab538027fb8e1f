import { AppError, toDetectFailure } from '@facet/contracts';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import { refuse } from './refusal.ts';

/** Answers errors in the words of `POST /detect_faces`. */
export function errorResponse(): ErrorRequestHandler {
	return (thrown, request, response, next) => {
		if (response.headersSent) return next(thrown);
		// The client has gone; its job runs on.
		if (response.destroyed) return;
		const { error, jobId } = refuse(thrown, request, response);
		response.json(toDetectFailure(error, jobId));
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
