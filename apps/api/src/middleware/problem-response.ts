import { toProblem } from '@facet/contracts';
import type { ErrorRequestHandler } from 'express';
import { refuse } from './refusal.ts';

/** Answers errors of `/v1` as problem details (RFC 9457). */
export function problemResponse(): ErrorRequestHandler {
	return (thrown, request, response, next) => {
		if (response.headersSent) return next(thrown);
		// The client has gone; its job runs on.
		if (response.destroyed) return;
		const { error, requestId, jobId } = refuse(thrown, request, response);
		// The query may hold what the caller searches for; the path says which resource it was.
		const instance = request.originalUrl.replace(/\?.*$/s, '');
		response.type('application/problem+json').json(toProblem(error, { instance, requestId, jobId }));
	};
}
