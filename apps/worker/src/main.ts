import type { Server } from 'node:http';
import { inferenceEnvironment, loadConfig, publicBaseUrl } from '@facet/config';
import { AddressGuard, confineProcesses, createSourceClient, ProcessLimit } from '@facet/media';
import {
	createLogger,
	createOperationsServer,
	createWorkerMetrics,
	exitOnUnhandledErrors,
	stopOnSignals,
} from '@facet/observability';
import {
	BatchStore,
	checkRedisWritable,
	connectConsumer,
	DetectConsumer,
	JobControl,
	Queues,
	ResultStore,
	warnUnlessNoEviction,
} from '@facet/queue';
import { createObjectStore } from '@facet/storage';
import { InferenceProcess, tasksAtOnce } from '@facet/vision/process';
import { startBatches } from './batches/start-batches.ts';
import { CropUploader } from './crop-uploader.ts';
import { startDeadlineKeeper } from './deadline-keeper.ts';
import { createDetectHandler } from './detect-handler.ts';
import { Inference } from './inference.ts';
import { inferenceLauncher } from './inference-launcher.ts';
import type { InferenceResult, InferenceTask, InferenceThreadData } from './inference-task.ts';
import { startMemoryWatch } from './memory-watch.ts';
import { PhotoPipeline } from './photo-pipeline.ts';
import { Scratch } from './scratch.ts';
import { SourceFetcher } from './source-fetcher.ts';
import { startSweeper } from './sweeper.ts';
import { VideoPipeline } from './video-pipeline.ts';
import { createEventRenderer } from './webhooks/event-renderer.ts';
import { startDeliveries } from './webhooks/start-deliveries.ts';

const config = loadConfig();
const logger = createLogger('worker', { level: config.logLevel });
exitOnUnhandledErrors(logger);

const threadData: InferenceThreadData = {
	modelsDir: config.worker.modelsDir,
	model: config.worker.detectorModel,
	executionProviders: config.worker.executionProviders,
};
// libvips decodes in libuv's threads, of which all threads of a process share four unless it is told otherwise.
const decoders = Math.max(4, tasksAtOnce(config.worker.inferenceThreads));
const inferenceProcess = new InferenceProcess<InferenceTask, InferenceResult>({
	entry: new URL('../dist/inference-process.js', import.meta.url),
	threads: config.worker.inferenceThreads,
	taskTimeoutMs: config.worker.inferenceTimeoutMs,
	workerData: threadData,
	launcher: inferenceLauncher({
		threads: config.worker.inferenceThreads,
		executionProviders: config.worker.executionProviders,
		nodeOptions: process.execArgv,
	}),
	environment: { UV_THREADPOOL_SIZE: String(decoders), ...inferenceEnvironment() },
	onLost: () => metrics.inferenceRestarts.inc(),
	logger,
});
const metrics = createWorkerMetrics(() => ({
	queued: inferenceProcess.queueSize,
	running: inferenceProcess.runningTasks,
	rssBytes: inferenceProcess.rssBytes,
}));
// It loads its networks while this process connects to what it needs.
const startedInference = Inference.start(inferenceProcess);
startedInference.catch(() => {});

const areConfined = confineProcesses({
	memoryBytes: config.worker.ffmpegMemoryBytes,
	// Twice the time by the clock, since its threads add up.
	cpuSeconds: Math.ceil((2 * config.sources.videoTimeoutMs) / 1000),
});
if (!areConfined) {
	logger.warn(
		'worker: no prlimit on this system, processes that read media run without limits of the kernel',
	);
}

const scratch = await Scratch.open();
const baseUrl = publicBaseUrl(config.api, config.api.port);
const store = await createObjectStore(
	config.storage.driver === 's3'
		? { ...config.storage, expireAfterSeconds: config.storage.linkTtlSeconds }
		: { ...config.storage, publicBaseUrl: baseUrl },
	logger,
);
const stopSweeper = startSweeper(store, config.storage.linkTtlSeconds, logger);
const sourceClient = createSourceClient(new AddressGuard(config.sources.allowNetworks), config.sources);
const fetcher = new SourceFetcher({
	client: sourceClient,
	maxBytes: config.sources.maxBytes,
	timeoutMs: config.sources.downloadTimeoutMs,
	store,
});

const uploader = new CropUploader({ store, logger, onLost: () => metrics.lostCrops.inc() });

const redis = connectConsumer(config.redis.url, logger);
redis.on('ready', () => {
	warnUnlessNoEviction(redis, logger).catch((err: unknown) => logger.debug({ err }, 'redis: no INFO'));
});
const results = new ResultStore(redis, {
	prefix: config.redis.prefix,
	ttlSeconds: config.jobs.resultTtlSeconds,
});
const deliveriesRedis = connectConsumer(config.redis.url, logger);
const deliveryQueues = new Queues({ redis: deliveriesRedis, prefix: config.redis.prefix, logger });
const deliveries = startDeliveries({
	...config.webhooks,
	redis: deliveriesRedis,
	queues: deliveryQueues,
	prefix: config.redis.prefix,
	lockMs: config.jobs.lockMs,
	resultTtlSeconds: config.jobs.resultTtlSeconds,
	render: createEventRenderer({
		results,
		batches: new BatchStore(deliveryQueues, {
			prefix: config.redis.prefix,
			ttlSeconds: config.jobs.resultTtlSeconds,
		}),
		baseUrl,
		urlOf: (key) => store.url(key),
		resultTtlSeconds: config.jobs.resultTtlSeconds,
	}),
	client: sourceClient,
	metrics,
	logger,
});
const inference = await startedInference;
const { warning: providerWarning, ...detector } = inference.detector;
if (providerWarning !== undefined)
	logger.warn({ executionProviders: detector.executionProviders }, providerWarning);
if (detector.isFile) {
	logger.warn(
		{ path: config.worker.detectorModel, engine: detector.engine },
		'DETECTOR_MODEL is a file by its path: its hash is not checked',
	);
}
const consumer = new DetectConsumer({
	redis,
	prefix: config.redis.prefix,
	concurrency: config.worker.concurrency,
	lockMs: config.jobs.lockMs,
	results,
	handler: createDetectHandler({
		scratch,
		fetcher,
		photos: new PhotoPipeline({
			inference,
			uploader,
			maxPixels: config.sources.maxPixels,
			decodeTimeoutMs: config.sources.decodeTimeoutMs,
		}),
		videos: new VideoPipeline({
			inference,
			uploader,
			// One more than threads, so that the next frame is there when one of them is done.
			concurrency: config.worker.inferenceThreads + 1,
			maxPixels: config.sources.maxPixels,
			maxSeconds: config.sources.maxVideoSeconds,
			timeoutMs: config.sources.videoTimeoutMs,
			processes: new ProcessLimit(config.worker.ffmpegProcesses),
		}),
		metrics,
		logger,
	}),
	onEnd: async ({ source, webhook, batchId }) => {
		// Others have nobody to tell.
		if (webhook !== undefined || batchId !== undefined) deliveries.kick();
		await fetcher.discard(source).catch((err: unknown) => logger.warn({ err }, 'inline image not deleted'));
	},
	onDiscard: (jobId) => uploader.discard(jobId),
	logger,
});

const stopDeadlineKeeper = startDeadlineKeeper({
	control: new JobControl(deliveryQueues, results, config.redis.prefix),
	onExpired: async (jobId, { source }) => {
		deliveries.kick();
		await Promise.all([fetcher.discard(source), uploader.discard(jobId)]);
	},
	logger,
});

const batchesRedis = connectConsumer(config.redis.url, logger);
const stopBatches = startBatches({
	redis: batchesRedis,
	prefix: config.redis.prefix,
	lockMs: config.jobs.lockMs,
	attempts: config.jobs.attempts,
	resultTtlSeconds: config.jobs.resultTtlSeconds,
	store,
	onEnded: () => deliveries.kick(),
	logger,
});

let stopping = false;
const operations = createOperationsServer({
	registry: metrics.registry,
	checks: {
		accepting: () => {
			if (stopping) throw new Error('the process is stopping');
		},
		redis: () => checkRedisWritable(redis, config.redis.prefix),
		storage: () => store.check(),
		inference: () => {
			if (inferenceProcess.pid === undefined) throw new Error('the inference process is starting');
		},
	},
	logger,
});
const port = await listenSomewhere(operations);
/** Several workers on one machine share the default port: the first has it, the others take what is free. */
async function listenSomewhere(server: Server): Promise<number> {
	const listen = (portToTry: number) =>
		new Promise<void>((resolve, reject) => {
			server.once('error', reject);
			server.listen(portToTry, config.worker.host, () => {
				server.off('error', reject);
				resolve();
			});
		});
	await listen(config.worker.port).catch(async (error: unknown) => {
		if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
		logger.warn({ port: config.worker.port }, 'worker: port in use, taking a free one');
		await listen(0);
	});
	const address = server.address();
	return typeof address === 'object' && address !== null ? address.port : 0;
}

const stopMemoryWatch = startMemoryWatch({
	maxRssBytes: config.worker.maxRssBytes,
	rssBytes: () => process.memoryUsage.rss() + inferenceProcess.rssBytes,
	onExceeded: async () => {
		stopping = true;
		// No hurry: whoever starts the process again does so when it has ended.
		await consumer.close(config.sources.videoTimeoutMs);
		process.kill(process.pid, 'SIGTERM');
	},
	logger,
});

stopOnSignals(logger, async () => {
	stopping = true;
	stopMemoryWatch();
	stopSweeper();
	stopDeadlineKeeper();
	const timeoutMs = config.shutdownTimeoutMs;
	await Promise.all([consumer.close(timeoutMs), deliveries.close(timeoutMs), stopBatches(timeoutMs)]);
	await inferenceProcess.close();
	await sourceClient.close();
	await store.close();
	await scratch.close();
	redis.disconnect();
	deliveriesRedis.disconnect();
	batchesRedis.disconnect();
	operations.close();
	operations.closeAllConnections();
});

logger.info({ ...config.worker, detector, port }, 'worker: ready');
