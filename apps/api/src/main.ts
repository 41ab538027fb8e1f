import { setMaxListeners } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { loadConfig, publicBaseUrl } from '@facet/config';
import {
	createApiMetrics,
	createLogger,
	createOperations,
	exitOnUnhandledErrors,
	stopOnSignals,
} from '@facet/observability';
import {
	BatchStore,
	CallerStore,
	checkRedisWritable,
	connectConsumer,
	connectProducer,
	DeliveryQueue,
	DeliveryStore,
	IdempotencyStore,
	JobControl,
	JobEvents,
	JobFingerprints,
	JobIndex,
	JobProducer,
	JobReader,
	JobsInFlight,
	JobWaiter,
	Queues,
	ResultStore,
	warnUnlessNoEviction,
} from '@facet/queue';
import { createObjectStore, FilesystemStore } from '@facet/storage';
import { Admission } from './admission.ts';
import { createApp } from './app.ts';
import { AwaitedJobs } from './awaited-jobs.ts';
import { BatchService } from './batch-service.ts';
import { DetectionService } from './detection-service.ts';
import { JobRemoval } from './job-removal.ts';
import { JobSubmissions } from './job-submissions.ts';
import { JobViews } from './job-views.ts';
import { SharedJobs } from './shared-jobs.ts';
import { stopServer, watchUnheard } from './stop-server.ts';
import { openTemporaryDirectory } from './temporary-directory.ts';

/** Longer than the idle time of common load balancers (60 s), so that they and not we close idle connections. */
const KEEP_ALIVE_MS = 65_000;
/** By default Node gives a request five minutes to arrive, which a large upload over a slow line outlasts. */
const REQUEST_TIMEOUT_MS = 3_600_000;
/** Until a request's headers are there; connections on which nothing comes end by it, too. */
const HEADERS_TIMEOUT_MS = 15_000;
/** How often Node looks at these times. */
const CONNECTIONS_CHECK_MS = 5000;
const MAX_HEADER_BYTES = 16_384;
/** Well below the descriptors that a process usually gets, with room for those to Redis, the store and files. */
const MAX_CONNECTIONS = 10_000;

const config = loadConfig();
const logger = createLogger('api', { level: config.logLevel });
exitOnUnhandledErrors(logger);

const redis = connectProducer(config.redis.url, logger);
redis.on('ready', () => {
	warnUnlessNoEviction(redis, logger).catch((err: unknown) => logger.debug({ err }, 'redis: no INFO'));
});
const results = new ResultStore(redis, {
	prefix: config.redis.prefix,
	ttlSeconds: config.jobs.resultTtlSeconds,
});
const queues = new Queues({ redis, prefix: config.redis.prefix, logger });
const producer = new JobProducer({
	queues,
	attempts: config.jobs.attempts,
	keepSeconds: config.jobs.resultTtlSeconds,
});
const deliveries = new DeliveryStore(redis, {
	prefix: config.redis.prefix,
	ttlSeconds: config.jobs.resultTtlSeconds,
});
const deliveryQueue = new DeliveryQueue({ queues, producer, deliveries });
const jobIndex = new JobIndex(redis, {
	prefix: config.redis.prefix,
	ttlSeconds: config.jobs.resultTtlSeconds,
});
const waiterRedis = connectConsumer(config.redis.url, logger);
const waiter = new JobWaiter({ redis: waiterRedis, prefix: config.redis.prefix, queues, results, logger });
const events = new JobEvents({
	queues,
	prefix: config.redis.prefix,
	connect: () => connectConsumer(config.redis.url, logger),
});

// The port is bound before the app is made, because links need to know it when the system chooses it.
let listener: RequestListener = (_request, response) => response.writeHead(503, { 'retry-after': '1' }).end();
const server = createServer(
	{
		keepAliveTimeout: KEEP_ALIVE_MS,
		requestTimeout: REQUEST_TIMEOUT_MS,
		headersTimeout: HEADERS_TIMEOUT_MS,
		connectionsCheckingInterval: CONNECTIONS_CHECK_MS,
		maxHeaderSize: MAX_HEADER_BYTES,
	},
	(request, response) => listener(request, response),
);
server.maxConnections = MAX_CONNECTIONS;
const unheard = watchUnheard(server);
await new Promise<void>((resolve, reject) => {
	server.once('error', reject).listen(config.api.port, config.api.host, resolve);
});
const { port } = server.address() as AddressInfo; // A TCP server's address is never a string.
const baseUrl = publicBaseUrl(config.api, port);

const store = await createObjectStore(
	config.storage.driver === 'fs' ? { ...config.storage, publicBaseUrl: baseUrl } : config.storage,
	logger,
);
const metrics = createApiMetrics();
const temporaryDirectory = await openTemporaryDirectory();
const inFlight = new JobsInFlight(redis, { prefix: config.redis.prefix });
const batches = new BatchStore(queues, {
	prefix: config.redis.prefix,
	ttlSeconds: config.jobs.resultTtlSeconds,
});
const wire = {
	baseUrl,
	urlOf: (key: string) => store.url(key),
	resultTtlSeconds: config.jobs.resultTtlSeconds,
};
const reader = new JobReader(queues, results);
const control = new JobControl(queues, results, config.redis.prefix);
const idempotency = new IdempotencyStore(redis, { prefix: config.redis.prefix });
const fingerprints = new JobFingerprints(redis, { prefix: config.redis.prefix });
const views = new JobViews({ reader, index: jobIndex, waiter, wire });
const shared = new SharedJobs({ fingerprints, reader });
const admission = new Admission({ producer, waiter, maxQueueDepth: config.api.maxQueueDepth });
const service = new DetectionService({
	admission,
	producer,
	control,
	index: jobIndex,
	fingerprints,
	inFlight,
	store,
});
const stopping = new AbortController();
// Every stream of events listens.
setMaxListeners(0, stopping.signal);
let draining = false;

listener = createApp({
	awaited: new AwaitedJobs({
		service,
		shared,
		waiter,
		deadlineSeconds: config.jobs.deadlineSeconds,
	}),
	syncTimeoutMs: config.api.syncTimeoutMs,
	views,
	jobs: {
		submissions: new JobSubmissions({
			service,
			idempotency,
			shared,
			reader,
			views,
			uploads: { store, maxBytes: config.sources.maxBytes },
			deadlineSeconds: config.jobs.deadlineSeconds,
		}),
		body: { maxFileBytes: config.sources.maxBytes, directory: temporaryDirectory },
		removal: new JobRemoval({ views, control, results, index: jobIndex, deliveries: deliveryQueue, store }),
		index: jobIndex,
		reader,
		wire,
		events,
		waiter,
		stopping: stopping.signal,
	},
	store,
	files: store instanceof FilesystemStore ? store : undefined,
	access: {
		apiKeys: config.api.keys,
		requireKey: config.api.requireKey,
		callers: new CallerStore(redis, { prefix: config.redis.prefix }),
		webhookSecrets: config.webhooks.secrets,
		wrongKeysPerMinute: config.api.wrongKeysPerMinute,
	},
	trustedProxies: config.api.trustedProxies,
	rates: { redis, prefix: config.redis.prefix, requestsPerMinute: config.api.rateLimitPerMinute },
	maxBodyBytes: config.api.maxBodyBytes,
	uploads: { maxBytes: config.sources.maxBytes, linkTtlSeconds: config.api.uploadLinkTtlSeconds },
	batches: {
		service: new BatchService({
			batches,
			producer,
			idempotency,
			inFlight,
			admission,
			store,
			temporaryDirectory,
			maxItems: config.api.maxBatchItems,
			maxSourceBytes: config.sources.maxBytes,
			deadlineSeconds: config.jobs.deadlineSeconds,
		}),
		batches,
		results,
		reader,
		wire,
	},
	webhooks: {
		deliveries,
		queue: deliveryQueue,
		jobs: jobIndex,
		results,
		batches,
		timeoutMs: config.webhooks.timeoutMs,
	},
	operations: createOperations({
		registry: metrics.registry,
		checks: {
			accepting: () => {
				if (draining) throw new Error('the process is stopping');
			},
			redis: () => checkRedisWritable(redis, config.redis.prefix),
			storage: () => store.check(),
		},
		beforeScrape: async () => {
			const { counts, oldestWaitingSeconds } = await producer.statistics('detect');
			for (const [state, count] of Object.entries(counts)) metrics.queueJobs.set({ state }, count);
			metrics.queueOldestSeconds.set(oldestWaitingSeconds);
		},
		logger,
	}),
	metrics,
	logger,
	isDraining: () => draining,
});
logger.info(
	{ url: baseUrl, port, keys: config.api.keys.length, storage: config.storage.driver },
	'api: listening',
);

stopOnSignals(logger, async () => {
	draining = true;
	stopping.abort();
	await stopServer(server, {
		graceMs: config.shutdownTimeoutMs,
		onGraceOver: () => waiter.close(),
		unheard,
	});
	waiter.close();
	await events.close();
	await queues.close();
	redis.disconnect();
	await store.close();
	await rm(temporaryDirectory, { recursive: true, force: true });
});
