import type { ApiMetrics, createOperations, PinoLogger } from '@facet/observability';
import { type FilesystemStore, type ObjectStore, receiveSignedFile, serveSignedFile } from '@facet/storage';
import express, { type Express, type RequestHandler, type Router } from 'express';
import type { AwaitedJobs } from './awaited-jobs.ts';
import { isForm } from './job-body.ts';
import type { JobListOptions } from './job-list.ts';
import type { JobRemoval } from './job-removal.ts';
import type { JobViews } from './job-views.ts';
import { type AuthenticateOptions, authenticate } from './middleware/authenticate.ts';
import { errorResponse, methodNotAllowed, notFound } from './middleware/error-response.ts';
import { jsonBody } from './middleware/json-body.ts';
import { problemResponse } from './middleware/problem-response.ts';
import { type RateLimitOptions, rateLimit } from './middleware/rate-limit.ts';
import { requestContext } from './middleware/request-context.ts';
import { securityHeaders } from './middleware/security-headers.ts';
import { cutSlowBodies } from './middleware/slow-body.ts';
import { discardUnreadBody } from './middleware/unread-body.ts';
import { listRoutes } from './openapi/list-routes.ts';
import { type BatchResultsRouteOptions, getBatchResults } from './routes/batch-results.ts';
import {
	type BatchRoutesOptions,
	cancelBatch,
	createJsonBatch,
	createNdjsonBatch,
	deleteBatch,
	getBatch,
	listBatches,
} from './routes/batches.ts';
import { type DeliveryRoutesOptions, listDeliveries, replayDelivery } from './routes/deliveries.ts';
import { detectFaces } from './routes/detect-faces.ts';
import { type CreateJobOptions, createJob } from './routes/job-create.ts';
import { type JobEventsOptions, streamJobEvents } from './routes/job-events.ts';
import { cancelJob, deleteJob, getJob, listOwnJobs } from './routes/jobs.ts';
import { reference } from './routes/reference.ts';
import { type CreateUploadOptions, createUpload } from './routes/uploads.ts';
import { type TestWebhookOptions, testWebhook } from './routes/webhooks.ts';

export interface AppOptions {
	/** Jobs of the synchronous endpoint. */
	readonly awaited: AwaitedJobs;
	readonly syncTimeoutMs: number;
	readonly views: JobViews;
	readonly jobs: JobRoutesOptions;
	readonly store: ObjectStore;
	/** The store again when its links lead to this process. */
	readonly files: FilesystemStore | undefined;
	readonly access: AuthenticateOptions;
	/** Networks whose `X-Forwarded-For` is believed, as Express takes them. */
	readonly trustedProxies: readonly string[];
	readonly rates: RateLimitOptions;
	readonly maxBodyBytes: number;
	readonly uploads: Omit<CreateUploadOptions, 'store'>;
	readonly batches: BatchRoutesOptions & BatchResultsRouteOptions;
	readonly webhooks: DeliveryRoutesOptions & TestWebhookOptions;
	readonly operations: ReturnType<typeof createOperations>;
	readonly metrics: ApiMetrics;
	readonly logger: PinoLogger;
	/** Whether the process is about to stop and wants its connections back. */
	readonly isDraining: () => boolean;
}

interface JobRoutesOptions
	extends Omit<CreateJobOptions, 'views'>,
		JobListOptions,
		Omit<JobEventsOptions, 'views'> {
	readonly removal: JobRemoval;
}

/** The documented path, and the one under which existing clients of the original service know it. */
const DETECT_FACES_PATHS = ['/detect_faces', '/interface/detect-api/detect_faces'];

/** Half a kilobyte a second. */
const SLOWEST_BODY = { minBytes: 10_000, intervalMs: 20_000 };

/** For bodies that name a thing or two. */
const MAX_SMALL_BODY_BYTES = 16_384;

/** All of `/v1`: callers known and counted, errors as problem details. Routes go between. */
function v1Router(admit: readonly RequestHandler[], options: AppOptions): Router {
	const { store, uploads, webhooks } = options;
	const router = express.Router();
	router.use(...admit);
	router
		.route('/uploads')
		.post(jsonBody(MAX_SMALL_BODY_BYTES), createUpload({ store, ...uploads }))
		.all(methodNotAllowed('POST'));
	for (const [path, of] of [
		['/jobs', 'job'],
		['/batches', 'batch'],
	] as const) {
		router
			.route(`${path}/:id/deliveries`)
			.get(listDeliveries(of, webhooks))
			.all(methodNotAllowed('GET', 'HEAD'));
	}
	router.route('/deliveries/:id/replay').post(replayDelivery(webhooks)).all(methodNotAllowed('POST'));
	router
		.route('/webhooks/test')
		.post(jsonBody(MAX_SMALL_BODY_BYTES), testWebhook(webhooks))
		.all(methodNotAllowed('POST'));
	addJobRoutes(router, options);
	addBatchRoutes(router, options);
	router.use(notFound());
	router.use(problemResponse());
	return router;
}

function addJobRoutes(router: Router, { jobs, views, maxBodyBytes }: AppOptions): void {
	router
		.route('/jobs')
		.get(listOwnJobs(jobs))
		.post(jsonUnlessForm(maxBodyBytes), createJob({ views, ...jobs }))
		.all(methodNotAllowed('GET', 'HEAD', 'POST'));
	router
		.route('/jobs/:id')
		.get(getJob(views))
		.delete(deleteJob(jobs.removal))
		.all(methodNotAllowed('GET', 'HEAD', 'DELETE'));
	router.route('/jobs/:id/cancel').post(cancelJob(views, jobs.removal)).all(methodNotAllowed('POST'));
	router
		.route('/jobs/:id/events')
		// GET alone: a HEAD would last as long as the job.
		.head(methodNotAllowed('GET'))
		.get(streamJobEvents({ views, ...jobs }))
		.all(methodNotAllowed('GET'));
}

function addBatchRoutes(router: Router, { batches, maxBodyBytes }: AppOptions): void {
	router
		.route('/batches')
		.get(listBatches(batches))
		.post(createNdjsonBatch(batches), jsonBody(maxBodyBytes), createJsonBatch(batches))
		.all(methodNotAllowed('GET', 'HEAD', 'POST'));
	router
		.route('/batches/:id')
		.get(getBatch(batches))
		.delete(deleteBatch(batches))
		.all(methodNotAllowed('GET', 'HEAD', 'DELETE'));
	router.route('/batches/:id/results').get(getBatchResults(batches)).all(methodNotAllowed('GET', 'HEAD'));
	router.route('/batches/:id/cancel').post(cancelBatch(batches)).all(methodNotAllowed('POST'));
}

/** A form goes past the parser of JSON, to be streamed by its route. */
function jsonUnlessForm(maxBytes: number): RequestHandler {
	const json = express.Router().use(jsonBody(maxBytes));
	return (request, response, next) => (isForm(request) ? next() : json(request, response, next));
}

export function createApp(options: AppOptions): Express {
	const { awaited, views, store, files, metrics, logger, syncTimeoutMs } = options;
	const app = express();
	app.disable('x-powered-by');
	app.disable('etag');
	app.set('trust proxy', options.trustedProxies);
	app.use((_request, response, next) => {
		if (options.isDraining()) response.setHeader('Connection', 'close');
		next();
	});
	app.use(securityHeaders());
	// Probes come every few seconds: they are neither logged nor counted.
	app.use(async (request, response, next) => {
		if (!(await options.operations(request, response))) next();
	});
	app.use(requestContext(logger, metrics));
	app.use(discardUnreadBody());
	app.use(cutSlowBodies(SLOWEST_BODY));

	app.use(reference(options.jobs.wire.baseUrl));
	// Who calls, and how often: before a body is read.
	const admit = [authenticate(options.access), rateLimit(options.rates)];
	app
		.route(DETECT_FACES_PATHS)
		.post(
			admit,
			jsonBody(options.maxBodyBytes),
			detectFaces({ jobs: awaited, views, store, metrics, syncTimeoutMs }),
		)
		.all(methodNotAllowed('POST'));
	app.use('/v1', v1Router(admit, options));
	if (files) {
		app.use('/files', (request, response) => {
			const answer = request.method === 'PUT' ? receiveSignedFile : serveSignedFile;
			return answer(files, request, response);
		});
		app.use('/files', problemResponse());
	}

	app.use(notFound());
	app.use(errorResponse());
	logger.debug({ routes: listRoutes(app) }, 'api: routes');
	return app;
}
