import { availableParallelism } from 'node:os';
import { z } from 'zod';

/**
 * Every environment variable of Facet. `docs/configuration.md` and `.env.example` are generated from the
 * descriptions here, so a variable that is not in this file does not exist.
 */

const SECOND = 1;
const DAY = 86_400 * SECOND;
const cores = availableParallelism();

/** As ONNX Runtime names them. */
const EXECUTION_PROVIDERS = ['cpu', 'cuda', 'coreml', 'dml', 'openvino'] as const;

declare module 'zod' {
	interface GlobalMeta {
		/** The default in words, where it depends on the machine or on another variable. */
		defaultText?: string;
	}
}

function wholeNumber(minimum: number, maximum = Number.MAX_SAFE_INTEGER) {
	return z.coerce
		.number({ error: 'expected a whole number' })
		.int('expected a whole number')
		.min(minimum, `expected at least ${minimum}`)
		.max(maximum, `expected at most ${maximum}`);
}

const port = () => wholeNumber(0, 65_535);
const milliseconds = (minimum = 1) => wholeNumber(minimum, 2 ** 31 - 1);
const url = (...protocols: string[]) =>
	z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), {
		error: `expected a URL starting with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
	});
const flag = () =>
	z.enum(['true', 'false'], { error: 'expected true or false' }).transform((text) => text === 'true');
/** A comma-separated list; blanks around and empty items are dropped. */
const list = () =>
	z.string().transform((text) =>
		text
			.split(',')
			.map((item) => item.trim())
			.filter((item) => item !== ''),
	);

export const VARIABLE_GROUPS = {
	Redis: {
		REDIS_URL: url('redis:', 'rediss:')
			.default('redis://127.0.0.1:6379')
			.describe('Redis 6.2 or later, with `maxmemory-policy noeviction`.'),
		QUEUE_PREFIX: z
			.string()
			.regex(/^[\w.-]{1,64}$/, 'expected 1 to 64 letters, digits, dots, dashes or underscores')
			.default('facet')
			.describe(
				'Prefix of every key in Redis; wrapped in `{}` so that Redis Cluster keeps a queue in one slot.',
			),
		RESULT_TTL_SECONDS: wholeNumber(1).default(DAY).describe('How long results live.'),
	},
	API: {
		API_HOST: z.string().default('127.0.0.1').describe('Address that the API listens on.'),
		API_PORT: port().default(8080).describe('Port that the API listens on; 0 lets the system choose.'),
		API_KEYS: list()
			.default([])
			.describe(
				'Comma-separated keys of callers. Empty leaves the API open, which is allowed only while `API_HOST` is a loopback address.',
			),
		PUBLIC_BASE_URL: url('http:', 'https:')
			.optional()
			.describe('Base of the links that the service hands out.')
			.meta({ defaultText: '`http://API_HOST:API_PORT`' }),
		SYNC_TIMEOUT_MS: milliseconds()
			.default(30_000)
			.describe('How long `POST /detect_faces` waits for its job before it answers 504.'),
		MAX_BODY_BYTES: wholeNumber(1024)
			.default(30 * 1024 * 1024)
			.describe('Largest JSON body; base64 makes a photo a third larger.'),
		MAX_QUEUE_DEPTH: wholeNumber(1)
			.default(100_000)
			.describe('Waiting jobs beyond which the API answers 429 with `Retry-After`.'),
	},
	Storage: {
		STORAGE_DRIVER: z
			.enum(['fs', 's3'], { error: 'expected fs or s3' })
			.default('fs')
			.describe('Object store of inline images and face crops: `fs` (one machine) or `s3`.'),
		OBJECT_TTL_SECONDS: wholeNumber(60)
			.default(7 * DAY)
			.describe('How long crops and their links live. Presigned S3 links live seven days at most.'),
		STORAGE_DIR: z
			.string()
			.default('./data')
			.describe('`fs`: directory of the objects, shared by API and workers.'),
		STORAGE_SIGNING_KEY: z
			.string()
			.min(32, 'expected at least 32 characters')
			.optional()
			.describe('`fs`: key that signs the links to objects.')
			.meta({ defaultText: 'generated in `STORAGE_DIR`' }),
		S3_BUCKET: z.string().optional().describe('`s3`: bucket of the objects; it must exist.'),
		S3_ENDPOINT: url('http:', 'https:')
			.optional()
			.describe('`s3`: endpoint of a store other than AWS (MinIO, R2, Ceph).'),
		S3_FORCE_PATH_STYLE: flag()
			.default(false)
			.describe('`s3`: put the bucket into the path rather than the host name, as MinIO wants it.'),
		S3_PUBLIC_BASE_URL: url('http:', 'https:')
			.optional()
			.describe(
				'`s3`: base of public links to a bucket that anyone may read; links are presigned without it.',
			),
		S3_PUBLIC_ENDPOINT: url('http:', 'https:')
			.optional()
			.describe(
				'`s3`: endpoint put into presigned links, where clients reach the store under another address.',
			)
			.meta({ defaultText: '`S3_ENDPOINT`' }),
		AWS_REGION: z
			.string()
			.default('us-east-1')
			.describe(
				'`s3`: region. Credentials come from the AWS SDK’s own chain (`AWS_ACCESS_KEY_ID`, profile, instance role).',
			),
	},
	Worker: {
		WORKER_HOST: z
			.string()
			.default('127.0.0.1')
			.describe('Address of the worker’s `/healthz`, `/readyz` and `/metrics`.'),
		WORKER_PORT: port()
			.default(8081)
			.describe('Port of these; another free one is taken, and logged, when it is in use.'),
		WORKER_CONCURRENCY: wholeNumber(1, 1024)
			.default(cores + 1)
			.describe('Jobs in flight.')
			.meta({ defaultText: 'cores + 1' }),
		INFERENCE_THREADS: wholeNumber(1, 256)
			.default(cores)
			.describe('Threads that decode and run the networks.')
			.meta({ defaultText: 'cores' }),
		FFMPEG_PROCESSES: wholeNumber(1, 256)
			.default(cores)
			.describe('Processes of ffmpeg that run at once.')
			.meta({ defaultText: 'cores' }),
		DETECTOR_MODEL: z
			.string()
			.min(1)
			.default('ultraface')
			.describe(
				'Name of a detector in `models/MODELS.json`, or the path of an `.onnx` file, whose kind is told from its outputs.',
			),
		ONNX_EXECUTION_PROVIDERS: list()
			.pipe(
				z
					.array(z.enum(EXECUTION_PROVIDERS, { error: `expected ${EXECUTION_PROVIDERS.join(', ')}` }))
					.min(1, 'expected at least one'),
			)
			.default(['cpu'])
			.describe(
				'Comma-separated, in order of preference: what networks run on, of `cpu`, `cuda`, `coreml`, `dml`, `openvino`. What the runtime does not have is left out with a warning; `cpu` is always the last.',
			)
			.meta({ defaultText: '`cpu`' }),
		MODELS_DIR: z.string().default('./models').describe('Directory of `MODELS.json` and the networks.'),
		JOB_ATTEMPTS: wholeNumber(1, 20)
			.default(3)
			.describe('How often a job is tried that fails for a reason that may pass.'),
		JOB_LOCK_MS: milliseconds(1000)
			.default(10_000)
			.describe('How long a worker may be silent before its jobs are given to another.'),
	},
	Sources: {
		MAX_SOURCE_BYTES: wholeNumber(1).default(536_870_912).describe('Largest photo or video.'),
		MAX_SOURCE_PIXELS: wholeNumber(1)
			.default(100_000_000)
			.describe('Most pixels of a photo or of a frame of a video, checked before it is decoded.'),
		MAX_VIDEO_SECONDS: wholeNumber(1).default(14_400).describe('Longest video.'),
		SOURCE_ALLOW_NETWORKS: list()
			.default([])
			.describe('Comma-separated CIDRs that downloads may reach although they are private.'),
		DOWNLOAD_CONNECT_TIMEOUT_MS: milliseconds()
			.default(5000)
			.describe('Limit on connecting to the host of a source, name resolution and TLS included.'),
		DOWNLOAD_IDLE_TIMEOUT_MS: milliseconds()
			.default(10_000)
			.describe('Longest silence of that host, before its headers or between two chunks.'),
		DOWNLOAD_TIMEOUT_MS: milliseconds().default(300_000).describe('Limit on the whole download.'),
		DECODE_TIMEOUT_MS: milliseconds(1000).default(30_000).describe('Limit on decoding one picture.'),
		VIDEO_TIMEOUT_MS: milliseconds(1000)
			.default(1_800_000)
			.describe('Limit on each pass of ffmpeg or ffprobe over a video.'),
	},
	Operations: {
		LOG_LEVEL: z
			.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
				error: 'expected trace, debug, info, warn, error, fatal or silent',
			})
			.default('info')
			.describe('Least level that is logged.'),
		SHUTDOWN_TIMEOUT_MS: milliseconds()
			.default(25_000)
			.describe('How long a process that is told to stop may finish what it holds; the rest is handed back.'),
	},
} as const;
