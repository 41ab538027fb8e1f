import type { ApiMetrics, createOperations, PinoLogger } from '@facet/observability';
import { type FilesystemStore, type ObjectStore, serveSignedFile } from '@facet/storage';
import express, { type Express, type RequestHandler, type Router } from 'express';
import type { DetectionService } from './detection-service.ts';
import { type AuthenticateOptions, authenticate } from './middleware/authenticate.ts';
import { errorResponse, methodNotAllowed, notFound } from './middleware/error-response.ts';
import { jsonBody } from './middleware/json-body.ts';
import { problemResponse } from './middleware/problem-response.ts';
import { type RateLimitOptions, rateLimit } from './middleware/rate-limit.ts';
import { requestContext } from './middleware/request-context.ts';
import { detectFaces } from './routes/detect-faces.ts';

export interface AppOptions {
	readonly service: DetectionService;
	readonly store: ObjectStore;
	/** The store again when its links lead to this process. */
	readonly files: FilesystemStore | undefined;
	readonly access: AuthenticateOptions;
	readonly rates: RateLimitOptions;
	readonly maxBodyBytes: number;
	readonly operations: ReturnType<typeof createOperations>;
	readonly metrics: ApiMetrics;
	readonly logger: PinoLogger;
	/** Whether the process is about to stop and wants its connections back. */
	readonly isDraining: () => boolean;
}

/** The documented path, and the one under which existing clients of the original service know it. */
const DETECT_FACES_PATHS = ['/detect_faces', '/interface/detect-api/detect_faces'];

/** All of `/v1`: callers known and counted, errors as problem details. Routes go between. */
function v1Router(admit: readonly RequestHandler[]): Router {
	const router = express.Router();
	router.use(...admit);
	router.use(notFound());
	router.use(problemResponse());
	return router;
}

export function createApp(options: AppOptions): Express {
	const { service, store, files, metrics, logger } = options;
	const app = express();
	app.disable('x-powered-by');
	app.disable('etag');
	app.use((_request, response, next) => {
		if (options.isDraining()) response.setHeader('Connection', 'close');
		response.setHeader('X-Content-Type-Options', 'nosniff');
		next();
	});
	// Probes come every few seconds: they are neither logged nor counted.
	app.use(async (request, response, next) => {
		if (!(await options.operations(request, response))) next();
	});
	app.use(requestContext(logger, metrics));

	// Who calls, and how often: before a body is read.
	const admit = [authenticate(options.access), rateLimit(options.rates)];
	app
		.route(DETECT_FACES_PATHS)
		.post(admit, jsonBody(options.maxBodyBytes), detectFaces({ service, store, metrics }))
		.all(methodNotAllowed('POST'));
	app.use('/v1', v1Router(admit));
	if (files) {
		app.use('/files', (request, response) => serveSignedFile(files, request, response));
	}

	app.use(notFound());
	app.use(errorResponse());
	return app;
}
