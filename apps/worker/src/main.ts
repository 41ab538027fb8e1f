import type { Server } from 'node:http';
import { loadConfig } from '@facet/config';
import { AddressGuard, createSourceClient, ProcessLimit } from '@facet/media';
import {
	createLogger,
	createOperationsServer,
	createWorkerMetrics,
	exitOnUnhandledErrors,
	stopOnSignals,
} from '@facet/observability';
import {
	checkRedisWritable,
	connectConsumer,
	JobConsumer,
	ResultStore,
	warnUnlessNoEviction,
} from '@facet/queue';
import { createObjectStore } from '@facet/storage';
import { InferencePool, isModelPath } from '@facet/vision';
import { CropUploader } from './crop-uploader.ts';
import { createDetectHandler } from './detect-handler.ts';
import { Inference } from './inference.ts';
import type { InferenceResult, InferenceTask, InferenceThreadData } from './inference-task.ts';
import { PhotoPipeline } from './photo-pipeline.ts';
import { Scratch } from './scratch.ts';
import { SourceFetcher } from './source-fetcher.ts';
import { startSweeper } from './sweeper.ts';
import { VideoPipeline } from './video-pipeline.ts';

const config = loadConfig();
const logger = createLogger('worker', { level: config.logLevel });
exitOnUnhandledErrors(logger);

const threadData: InferenceThreadData = {
	modelsDir: config.worker.modelsDir,
	model: config.worker.detectorModel,
	executionProviders: config.worker.executionProviders,
};
const pool = new InferencePool<InferenceTask, InferenceResult>({
	threadEntry: new URL('../dist/inference-thread.js', import.meta.url),
	threads: config.worker.inferenceThreads,
	workerData: threadData,
	logger,
});
const inference = await Inference.start(pool);
const { warning: providerWarning, ...detector } = inference.detector;
if (providerWarning !== undefined)
	logger.warn({ executionProviders: detector.executionProviders }, providerWarning);
if (isModelPath(config.worker.detectorModel)) {
	logger.warn(
		{ path: config.worker.detectorModel, engine: detector.engine },
		'DETECTOR_MODEL is a file by its path: its hash is not checked',
	);
}
const metrics = createWorkerMetrics(() => ({ queued: pool.queueSize, running: pool.runningTasks }));

const scratch = await Scratch.open();
const store = await createObjectStore(
	config.storage.driver === 's3'
		? { ...config.storage, expireAfterSeconds: config.storage.linkTtlSeconds }
		: { ...config.storage, publicBaseUrl: config.api.publicBaseUrl ?? '' },
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
const consumer = new JobConsumer('detect', {
	redis,
	prefix: config.redis.prefix,
	concurrency: config.worker.concurrency,
	lockMs: config.jobs.lockMs,
	results: new ResultStore(redis, { prefix: config.redis.prefix, ttlSeconds: config.jobs.resultTtlSeconds }),
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
	onEnd: async ({ source }) => {
		await fetcher.discard(source).catch((err: unknown) => logger.warn({ err }, 'inline image not deleted'));
	},
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
	},
	logger,
});
const port = await listenSomewhere(operations);
logger.info({ ...config.worker, detector, port }, 'worker: ready');

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

stopOnSignals(logger, async () => {
	stopping = true;
	stopSweeper();
	await consumer.close(config.shutdownTimeoutMs);
	await pool.close();
	await sourceClient.close();
	await store.close();
	await scratch.close();
	redis.disconnect();
	operations.close();
	operations.closeAllConnections();
});
