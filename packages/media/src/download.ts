import { type Duplex, pipeline, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { AppError } from '@facet/contracts';
import { type Dispatcher, errors, request } from 'undici';
import { type ReceivedFile, receiveFile } from './receive-file.ts';
import { redirectedUrl } from './redirected-url.ts';

export interface DownloadOptions {
	readonly client: Dispatcher;
	/** Largest file, counted after any content encoding is undone. */
	readonly maxBytes: number;
	/** Limit on the whole download. */
	readonly timeoutMs: number;
	readonly signal?: AbortSignal | undefined;
}

const MAX_REDIRECTS = 5;
/** A redirect's body is read to keep the connection, up to this many bytes. */
const MAX_DISCARDED_BYTES = 64 * 1024;
const USER_AGENT = 'Facet/0.1 (face detection)';

/** Statuses of a server that may answer otherwise in a moment. */
const PASSING_STATUSES = new Set([408, 425, 429, 500, 502, 503, 504]);
/** Servers apply one; each layer takes memory, and a header has room for thousands. */
const MAX_CONTENT_ENCODINGS = 3;

/** DNS and TLS failures that stay. */
const LASTING_CODES = new Set(['ENOTFOUND', 'ERR_TLS_CERT_ALTNAME_INVALID', 'CERT_HAS_EXPIRED']);

const DECOMPRESSORS: Readonly<Record<string, () => Duplex>> = {
	gzip: createGunzip,
	'x-gzip': createGunzip,
	deflate: createInflate,
	br: createBrotliDecompress,
};

/**
 * Downloads a URL into a file, following at most five redirects, each of which passes the client's guard again.
 *
 * @throws AppError `url_blocked`, `download_failed`, `download_timeout` or `too_large`; `internal` when the file cannot be
 * written. It may hold a part then.
 */
export async function download(url: string, file: string, options: DownloadOptions): Promise<ReceivedFile> {
	const timeout = AbortSignal.timeout(options.timeoutMs);
	const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout;
	try {
		const response = await follow(new URL(url), options.client, signal);
		return await save(response, file, options.maxBytes, signal);
	} catch (error) {
		throw toDownloadError(error, timeout);
	}
}

async function follow(start: URL, client: Dispatcher, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
	let url = start;
	for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
		const response = await request(url, {
			dispatcher: client,
			signal,
			headers: {
				'user-agent': USER_AGENT,
				accept: 'image/*, video/*, */*;q=0.5',
				'accept-encoding': 'identity',
			},
		});
		const location = redirectTarget(response);
		if (location === undefined) return response;
		await response.body.dump({ limit: MAX_DISCARDED_BYTES, signal });
		url = redirectedUrl(location, url);
	}
	throw new AppError('download_failed', { detail: `more than ${MAX_REDIRECTS} redirects`, retryable: false });
}

function redirectTarget({ statusCode, headers }: Dispatcher.ResponseData): string | undefined {
	if (![301, 302, 303, 307, 308].includes(statusCode)) return undefined;
	return typeof headers.location === 'string' ? headers.location : undefined;
}

async function save(
	{ statusCode, headers, body }: Dispatcher.ResponseData,
	file: string,
	maxBytes: number,
	signal: AbortSignal,
): Promise<ReceivedFile> {
	try {
		if (statusCode < 200 || statusCode > 299) {
			throw new AppError('download_failed', {
				detail: `the server answered ${statusCode}`,
				retryable: PASSING_STATUSES.has(statusCode),
			});
		}
		const announcedBytes = Number(headers['content-length'] ?? 0);
		const content = decompressed(body, headers['content-encoding']);
		return await receiveFile(content, file, { maxBytes, announcedBytes, signal });
	} finally {
		discard(body);
	}
}

/** A body that nobody reads holds its connection and memory for ever. */
function discard(body: Readable): void {
	body.on('error', () => {}).destroy();
}

function decompressed(body: Readable, header: string | string[] | undefined): Readable {
	const encodings = String(header ?? '')
		.split(',')
		.map((encoding) => encoding.trim().toLowerCase())
		.filter((encoding) => encoding !== '' && encoding !== 'identity');
	if (encodings.length > MAX_CONTENT_ENCODINGS) {
		throw new AppError('download_failed', { detail: 'too many content encodings', retryable: false });
	}
	// Encodings are listed in the order in which they were applied (RFC 9110, 8.4).
	return encodings.reduceRight<Readable>((stream, encoding) => {
		const create = DECOMPRESSORS[encoding];
		if (create === undefined) {
			throw new AppError('download_failed', { detail: 'unknown content encoding', retryable: false });
		}
		// A stream that fails ends the next one with its error, up to the last, whose reader gets it.
		return pipeline(stream, create(), () => {});
	}, body);
}

/** Faults of the file that is written, not of the host: a disk that is full or broken, no more open files. */
const LOCAL_CODES = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS', 'EIO', 'EMFILE', 'ENFILE']);

function toDownloadError(error: unknown, timeout: AbortSignal): AppError {
	if (error instanceof AppError) return error;
	if (
		timeout.aborted ||
		error instanceof errors.ConnectTimeoutError ||
		error instanceof errors.HeadersTimeoutError ||
		error instanceof errors.BodyTimeoutError
	) {
		return new AppError('download_timeout', { cause: error });
	}
	// undici and net wrap what the guard threw.
	const cause = error instanceof Error ? error.cause : undefined;
	if (cause instanceof AppError) return cause;
	const code = error instanceof Error && 'code' in error ? String(error.code) : '';
	if (LOCAL_CODES.has(code)) return new AppError('internal', { retryable: true, cause: error });
	return new AppError('download_failed', { retryable: !LASTING_CODES.has(code), cause: error });
}
