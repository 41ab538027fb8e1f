import { z } from 'zod';
import { availableCores } from './available-cores.ts';
import { isProxyNetwork } from './proxy-network.ts';
import { isWebhookSecret } from './webhook-secret.ts';

/**
 * Every environment variable of Facet. `docs/configuration.md` and `.env.example` are generated from the
 * descriptions here, so a variable that is not in this file does not exist.
 */

const SECOND = 1;
const DAY = 86_400 * SECOND;
const cores = availableCores();

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

/** A whole number, or `auto` for what suits the machine. */
const numberOrAuto = (maximum: number, auto: number) =>
	z.preprocess((text) => (text === 'auto' ? undefined : text), wholeNumber(1, maximum).default(auto));

const port = () => wholeNumber(0, 65_535);
const milliseconds = (minimum = 1) => wholeNumber(minimum, 2 ** 31 - 1);
const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
/** A comma-separated list of times such as `500ms`, `5s`, `30m` or `2h`, as milliseconds. */
const durations = () =>
	list().pipe(
		z
			.array(
				z
					.string()
					.regex(/^\d{1,9}(ms|s|m|h)$/, 'expected a time such as 500ms, 5s, 30m or 2h')
					.transform((text) => {
						const unit = text.replace(/\d+/, '');
						return Number.parseInt(text, 10) * UNIT_MS[unit as keyof typeof UNIT_MS]; // The pattern allows no other.
					}),
			)
			.min(1, 'expected at least one time'),
	);
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

/** What `isProxyNetwork` takes; `none` is the empty list. */
const proxyNetworks = () =>
	list()
		.transform((items) => (items.length === 1 && items[0] === 'none' ? [] : items))
		.refine((items) => items.every(isProxyNetwork), {
			error: 'expected addresses, CIDRs, loopback, linklocal or uniquelocal, or none',
		});

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
		REQUIRE_API_KEY: flag()
			.default(false)
			.describe(
				'Let only callers with a key pass though `API_KEYS` is empty: those with a key made by `npm run keys`.',
			),
		RATE_LIMIT_PER_MINUTE: wholeNumber(0)
			.default(0)
			.describe('Requests a minute of each caller, unless its key has a limit of its own; 0 for no limit.'),
		WRONG_KEYS_PER_MINUTE: wholeNumber(0)
			.default(60)
			.describe(
				'Wrong keys a minute beyond which a client’s address (of IPv6 the first 64 bits) is answered 429, in each API process; keys that were right from there still pass. 0 for no limit.',
			),
		TRUSTED_PROXIES: proxyNetworks()
			.default(['loopback'])
			.describe(
				'Comma-separated addresses and CIDRs of the proxies in front, whose `X-Forwarded-For` says who the client is; `none` for none. `loopback`, `linklocal` and `uniquelocal` stand for all private addresses of their kind. Name no network from which clients come without a proxy, or with their addresses hidden (NAT): they could say anything.',
			)
			.meta({ defaultText: '`loopback`' }),
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
		MAX_BATCH_ITEMS: wholeNumber(1, 100_000).default(10_000).describe('Most items of a batch.'),
		JOB_DEADLINE_SECONDS: wholeNumber(1, 30 * DAY)
			.default(DAY)
			.describe(
				'Age at which an unfinished job of `/v1` ends as `expired`, unless its request says otherwise.',
			),
		UPLOAD_LINK_TTL_SECONDS: wholeNumber(1, 7 * DAY)
			.default(3600)
			.describe(
				'How long a link of `POST /v1/uploads` can be used; an upload that began in time may end later.',
			),
	},
	Webhooks: {
		WEBHOOK_SECRET: list()
			.refine((secrets) => secrets.every(isWebhookSecret), {
				error: 'expected `whsec_` and 24 to 64 bytes in base64, or several of these with commas between',
			})
			.default([])
			.describe(
				'Comma-separated secrets (`whsec_…`) that sign the webhooks of callers from `API_KEYS` and of an open API; several during a rotation.',
			),
		WEBHOOK_RETRY_SCHEDULE: durations()
			.prefault('0s,5s,5m,30m,2h,5h,10h,14h,20h,24h')
			.describe(
				'Waits before the first attempt at a webhook and before each further one; as many attempts as entries.',
			)
			.meta({ defaultText: '`0s,5s,5m,30m,2h,5h,10h,14h,20h,24h`' }),
		WEBHOOK_TIMEOUT_MS: milliseconds()
			.default(20_000)
			.describe('How long a receiver of webhooks may take to answer.'),
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
		WORKER_MAX_RSS_MB: wholeNumber(0)
			.default(0)
			.describe(
				'Resident memory in MB (10^6 bytes), its inference process included, at which a worker takes no more jobs, finishes those it has and exits with 0, to be started again by its supervisor; 0 for no limit.',
			),
		WORKER_CONCURRENCY: numberOrAuto(1024, 2 * cores + 5)
			.describe(
				'Jobs in flight, or `auto`: those that are decoded and searched at once, as many that are fetched or stored meanwhile, and a few whose results wait for each other.',
			)
			.meta({ defaultText: '`auto`: 2 × cores + 5' }),
		INFERENCE_THREADS: numberOrAuto(256, cores)
			.describe(
				'Threads that decode and run the networks, or `auto`: the cores that the process may use, and no more than its container’s CPU limit allows.',
			)
			.meta({ defaultText: '`auto`: cores' }),
		FFMPEG_PROCESSES: numberOrAuto(256, cores)
			.describe('Processes of ffmpeg that run at once, or `auto`.')
			.meta({ defaultText: '`auto`: cores' }),
		FFMPEG_MEMORY_BYTES: wholeNumber(268_435_456)
			.default(4 * 1024 ** 3)
			.describe(
				'Address space of each process of ffmpeg and ffprobe, which is more than it uses; one that wants more fails. Linux only.',
			),
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
		INFERENCE_TIMEOUT_MS: milliseconds(1000)
			.default(300_000)
			.describe(
				'Limit on all that is done with a photo or a frame, decoding included, and on the tracks of a video. What takes longer fails as `processing_timeout`.',
			),
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
