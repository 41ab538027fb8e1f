import { S3Client } from '@aws-sdk/client-s3';
import type { Logger } from '@facet/contracts';

export interface S3Credentials {
	readonly accessKeyId: string;
	readonly secretAccessKey: string;
	readonly sessionToken?: string;
}

/** How to reach a store that speaks S3. */
export interface S3ConnectionOptions {
	readonly region: string;
	/** URL of the store; by default AWS's of the region. */
	readonly endpoint?: string;
	/** `http://host/bucket/key` in place of `http://bucket.host/key`, as MinIO without a wildcard name needs it. */
	readonly forcePathStyle?: boolean;
	/** By default the SDK's chain: environment, shared files, container or instance role, web identity. */
	readonly credentials?: S3Credentials;
	/** Limit of one attempt of a request, sending a body of up to 60 MB included, in milliseconds; default 60000. */
	readonly requestTimeoutMs?: number;
}

/**
 * Sockets of the store. The SDK's limit on connecting runs while a request waits for a free socket, too, so this stays
 * above what a process has in flight: a worker uploads the crops of a few jobs at a time.
 */
const MAX_SOCKETS = 128;
export const DEFAULT_REQUEST_TIMEOUT_MS = 60_000;
const CONNECTION_TIMEOUT_MS = 5_000;
const IDLE_TIMEOUT_MS = 30_000;

export function createS3Client(options: S3ConnectionOptions, logger: Logger): S3Client {
	const {
		region,
		endpoint,
		forcePathStyle = false,
		credentials,
		requestTimeoutMs = DEFAULT_REQUEST_TIMEOUT_MS,
	} = options;
	return new S3Client({
		region,
		forcePathStyle,
		...(endpoint === undefined ? {} : { endpoint }),
		...(credentials === undefined ? {} : { credentials }),
		maxAttempts: 3,
		// By default the SDK adds CRC32 trailers and asks for checksums; Ceph and older MinIO and R2 refuse these.
		requestChecksumCalculation: 'WHEN_REQUIRED',
		responseChecksumValidation: 'WHEN_REQUIRED',
		requestHandler: {
			connectionTimeout: CONNECTION_TIMEOUT_MS,
			requestTimeout: requestTimeoutMs,
			throwOnRequestTimeout: true,
			socketTimeout: IDLE_TIMEOUT_MS,
			httpAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
			httpsAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
		},
		// Without a logger the SDK writes its warnings to the console. What it calls info is a line for every request; an
		// error is thrown as well, and whoever called us reports it.
		logger: {
			trace: () => {},
			debug: () => {},
			info: () => {},
			warn: (...message: unknown[]) => logger.warn({ sdk: message.map(String) }, 'S3 client'),
			error: () => {},
		},
	});
}
