import { randomUUID } from 'node:crypto';
import type { ApiMetrics, PinoLogger } from '@facet/observability';
import type { Request, RequestHandler, Response } from 'express';
import { knownCaller } from './caller.ts';

/** What every handler knows of its request. */
export interface RequestContext {
	readonly requestId: string;
	readonly logger: PinoLogger;
}

const contexts = new WeakMap<Request, RequestContext>();

export function contextOf(request: Request): RequestContext {
	const context = contexts.get(request);
	if (context === undefined) throw new Error('a request that did not pass the request-context middleware');
	return context;
}

/** Sets the header that tells a client under which id its job runs, and puts the id on the request's log line. */
export function setJobId(response: Response, jobId: string): void {
	response.setHeader('X-Job-Id', jobId);
}

/** A client's own id is kept when it is harmless in a header and in a log. */
const REQUEST_ID = /^[\w.:-]{1,128}$/;

/** Gives each request an id and a logger, and logs and measures its answer. */
export function requestContext(logger: PinoLogger, metrics: ApiMetrics): RequestHandler {
	return (request, response, next) => {
		const given = request.get('x-request-id') ?? '';
		const requestId = REQUEST_ID.test(given) ? given : randomUUID();
		const context = { requestId, logger: logger.child({ requestId }) };
		contexts.set(request, context);
		response.setHeader('X-Request-Id', requestId);
		const startedAt = performance.now();
		response.on('close', () => {
			const ms = Math.round((performance.now() - startedAt) * 10) / 10;
			const labels = {
				route: routeOf(request),
				method: request.method,
				status: response.writableFinished ? String(response.statusCode) : 'aborted',
			};
			metrics.requestSeconds.observe(labels, ms / 1000);
			const caller = knownCaller(request)?.id;
			context.logger.info({ ...labels, ms, caller, jobId: response.getHeader('X-Job-Id') }, 'request');
		});
		next();
	};
}

/** The matched route, not the path: paths are without number, and those of files carry keys. */
function routeOf(request: Request): string {
	const path: unknown = request.route?.path;
	// A route may have several paths; the first is its name.
	const name: unknown = Array.isArray(path) ? path[0] : path;
	return (typeof name === 'string' ? request.baseUrl + name : request.baseUrl) || 'other';
}
