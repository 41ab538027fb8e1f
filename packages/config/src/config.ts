import { resolve } from 'node:path';
import { z } from 'zod';
import { VARIABLE_GROUPS } from './variables.ts';

const environmentSchema = z
	.object({
		...VARIABLE_GROUPS.Redis,
		...VARIABLE_GROUPS.API,
		...VARIABLE_GROUPS.Webhooks,
		...VARIABLE_GROUPS.Storage,
		...VARIABLE_GROUPS.Worker,
		...VARIABLE_GROUPS.Sources,
		...VARIABLE_GROUPS.Operations,
	})
	.superRefine((values, context) => {
		if (values.API_KEYS.length === 0 && !values.REQUIRE_API_KEY && !isLoopback(values.API_HOST)) {
			context.addIssue({
				code: 'custom',
				path: ['API_KEYS'],
				message: `expected at least one key, or REQUIRE_API_KEY, because API_HOST ${values.API_HOST} is not a loopback address`,
			});
		}
		if (values.STORAGE_DRIVER === 's3' && values.S3_BUCKET === undefined) {
			context.addIssue({
				code: 'custom',
				path: ['S3_BUCKET'],
				message: 'expected the name of a bucket, because STORAGE_DRIVER is s3',
			});
		}
	});

export type Config = ReturnType<typeof parseConfig>;

/** All that is wrong with the environment, one variable a line. Values are not shown: they may be secrets. */
export class ConfigError extends Error {
	override readonly name = 'ConfigError';

	constructor(faults: readonly string[], options: ErrorOptions) {
		super(`Invalid configuration:\n${faults.map((fault) => `  ${fault}`).join('\n')}`, options);
	}
}

/**
 * Parses an environment into the configuration of both processes.
 *
 * @param environment - variables by name; an empty value counts as not set, as in a `.env` file.
 * @throws ConfigError naming every variable at fault.
 */
export function parseConfig(environment: Readonly<Record<string, string | undefined>>) {
	const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
	const parsed = environmentSchema.safeParse(given);
	if (!parsed.success) {
		const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
		throw new ConfigError(faults, { cause: parsed.error });
	}
	const values = parsed.data;
	return {
		redis: { url: values.REDIS_URL, prefix: `{${values.QUEUE_PREFIX}}` },
		jobs: {
			attempts: values.JOB_ATTEMPTS,
			lockMs: values.JOB_LOCK_MS,
			resultTtlSeconds: values.RESULT_TTL_SECONDS,
			deadlineSeconds: values.JOB_DEADLINE_SECONDS,
		},
		api: {
			host: values.API_HOST,
			port: values.API_PORT,
			keys: values.API_KEYS,
			requireKey: values.REQUIRE_API_KEY,
			rateLimitPerMinute: values.RATE_LIMIT_PER_MINUTE,
			wrongKeysPerMinute: values.WRONG_KEYS_PER_MINUTE,
			trustedProxies: values.TRUSTED_PROXIES,
			publicBaseUrl: values.PUBLIC_BASE_URL?.replace(/\/+$/, ''),
			syncTimeoutMs: values.SYNC_TIMEOUT_MS,
			maxBodyBytes: values.MAX_BODY_BYTES,
			maxQueueDepth: values.MAX_QUEUE_DEPTH,
			maxBatchItems: values.MAX_BATCH_ITEMS,
			uploadLinkTtlSeconds: values.UPLOAD_LINK_TTL_SECONDS,
		},
		webhooks: {
			secrets: values.WEBHOOK_SECRET,
			scheduleMs: values.WEBHOOK_RETRY_SCHEDULE,
			timeoutMs: values.WEBHOOK_TIMEOUT_MS,
		},
		storage: storageConfig(values),
		worker: {
			host: values.WORKER_HOST,
			port: values.WORKER_PORT,
			maxRssBytes: values.WORKER_MAX_RSS_MB * 1_000_000,
			concurrency: values.WORKER_CONCURRENCY,
			inferenceThreads: values.INFERENCE_THREADS,
			inferenceTimeoutMs: values.INFERENCE_TIMEOUT_MS,
			ffmpegProcesses: values.FFMPEG_PROCESSES,
			ffmpegMemoryBytes: values.FFMPEG_MEMORY_BYTES,
			detectorModel: values.DETECTOR_MODEL,
			executionProviders: values.ONNX_EXECUTION_PROVIDERS,
			modelsDir: resolve(values.MODELS_DIR),
		},
		sources: {
			maxBytes: values.MAX_SOURCE_BYTES,
			maxPixels: values.MAX_SOURCE_PIXELS,
			allowNetworks: values.SOURCE_ALLOW_NETWORKS,
			connectTimeoutMs: values.DOWNLOAD_CONNECT_TIMEOUT_MS,
			idleTimeoutMs: values.DOWNLOAD_IDLE_TIMEOUT_MS,
			downloadTimeoutMs: values.DOWNLOAD_TIMEOUT_MS,
			decodeTimeoutMs: values.DECODE_TIMEOUT_MS,
			maxVideoSeconds: values.MAX_VIDEO_SECONDS,
			videoTimeoutMs: values.VIDEO_TIMEOUT_MS,
		},
		logLevel: values.LOG_LEVEL,
		shutdownTimeoutMs: values.SHUTDOWN_TIMEOUT_MS,
	};
}

function storageConfig(values: z.infer<typeof environmentSchema>) {
	const linkTtlSeconds = values.OBJECT_TTL_SECONDS;
	if (values.STORAGE_DRIVER === 's3') {
		return {
			driver: 's3' as const,
			linkTtlSeconds,
			// The schema refuses the s3 driver without a bucket.
			bucket: values.S3_BUCKET ?? '',
			region: values.AWS_REGION,
			forcePathStyle: values.S3_FORCE_PATH_STYLE,
			...given({
				endpoint: values.S3_ENDPOINT,
				publicBaseUrl: values.S3_PUBLIC_BASE_URL,
				publicEndpoint: values.S3_PUBLIC_ENDPOINT,
			}),
		};
	}
	return {
		driver: 'fs' as const,
		linkTtlSeconds,
		directory: resolve(values.STORAGE_DIR),
		...given({ signingKey: values.STORAGE_SIGNING_KEY }),
	};
}

/** Leaves out settings that were not given, so that each is there with a value or not there at all. */
function given<Settings extends Record<string, string | undefined>>(settings: Settings) {
	const entries = Object.entries(settings).filter(([, value]) => value !== undefined);
	// The filter is what the type says; Object.fromEntries forgets the names.
	return Object.fromEntries(entries) as { [Name in keyof Settings]?: string };
}

function isLoopback(host: string): boolean {
	return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
