import { z } from 'zod';
import type { Fault } from './fault.ts';

/**
 * The error catalogue: what a client is told, and whether trying again can help.
 *
 * `publicMessage` is the contract's `error_msg`. The contract documents four messages; where a more precise
 * reason exists it goes into `error.code` and `error.detail`, so that clients which compare messages keep working.
 */
interface ErrorEntry {
	/** HTTP status of the synchronous endpoint. */
	readonly status: number;
	/** Whether the same request may succeed later. A job fails for good on an error that is not retryable. */
	readonly retryable: boolean;
	readonly publicMessage: string;
}

const PROCESSING = 'Failed to process media';
const DOWNLOADING = 'Failed to download media from URL';

export const ERROR_CATALOGUE = {
	missing_input: {
		status: 400,
		retryable: false,
		publicMessage: "Either 'url' or 'img' parameter must be provided",
	},
	invalid_url: { status: 400, retryable: false, publicMessage: 'Invalid URL format' },
	invalid_request: { status: 400, retryable: false, publicMessage: 'Invalid request' },
	unauthorized: { status: 401, retryable: false, publicMessage: 'Invalid or missing API key' },
	not_found: { status: 404, retryable: false, publicMessage: 'Not found' },
	gone: { status: 410, retryable: false, publicMessage: 'No longer available' },
	conflict: { status: 409, retryable: false, publicMessage: 'Not possible in the present state' },
	idempotency_mismatch: {
		status: 422,
		retryable: false,
		publicMessage: 'The idempotency key was used with another request',
	},
	method_not_allowed: { status: 405, retryable: false, publicMessage: 'Method not allowed' },
	body_too_large: { status: 413, retryable: false, publicMessage: 'Request body too large' },
	rate_limited: { status: 429, retryable: true, publicMessage: 'Too many requests' },
	too_many_jobs: { status: 429, retryable: true, publicMessage: 'Too many unfinished jobs' },
	queue_full: { status: 429, retryable: true, publicMessage: 'Too many jobs in the queue' },

	url_blocked: { status: 400, retryable: false, publicMessage: DOWNLOADING },
	download_failed: { status: 400, retryable: true, publicMessage: DOWNLOADING },
	download_timeout: { status: 400, retryable: true, publicMessage: DOWNLOADING },
	too_large: { status: 400, retryable: false, publicMessage: DOWNLOADING },

	unsupported_format: { status: 500, retryable: false, publicMessage: PROCESSING },
	corrupt_media: { status: 500, retryable: false, publicMessage: PROCESSING },
	too_many_pixels: { status: 500, retryable: false, publicMessage: PROCESSING },
	no_video_stream: { status: 500, retryable: false, publicMessage: PROCESSING },
	video_too_long: { status: 500, retryable: false, publicMessage: PROCESSING },
	processing_timeout: { status: 500, retryable: false, publicMessage: PROCESSING },
	worker_lost: { status: 500, retryable: true, publicMessage: PROCESSING },
	internal: { status: 500, retryable: true, publicMessage: PROCESSING },

	canceled: { status: 409, retryable: false, publicMessage: 'The job was canceled' },
	expired: { status: 504, retryable: false, publicMessage: 'The job was not done by its deadline' },

	queue_unavailable: { status: 503, retryable: true, publicMessage: 'Job queue unavailable' },
	storage_unavailable: { status: 503, retryable: true, publicMessage: 'Object store unavailable' },
	shutting_down: { status: 503, retryable: true, publicMessage: 'Server is shutting down' },
	wait_timeout: {
		status: 504,
		retryable: true,
		publicMessage: 'Timed out waiting for the result; the job keeps running',
	},
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;

export function isErrorCode(value: string): value is ErrorCode {
	return Object.hasOwn(ERROR_CATALOGUE, value);
}

/** An AppError as it crosses threads and is stored: plain data, without the cause, which stays where it was logged. */
export const errorRecordSchema = z.object({
	// Object.keys widens to string[]; the keys of the catalogue are exactly the codes.
	code: z.enum(Object.keys(ERROR_CATALOGUE) as [ErrorCode, ...ErrorCode[]]).meta({ id: 'ErrorCode' }),
	detail: z.string().optional(),
	retryable: z.boolean().optional(),
});

export type ErrorRecord = z.infer<typeof errorRecordSchema>;

export interface AppErrorOptions {
	/** What went wrong in words a client may read: names the expectation and what came. No secrets, no inner text. */
	readonly detail?: string | undefined;
	/** Overrides the catalogue where this very failure is known to pass or to stay, as a 404 of the source stays. */
	readonly retryable?: boolean | undefined;
	/** How long the client had better wait before it tries again, where that is known; whole seconds. */
	readonly retryAfterSeconds?: number | undefined;
	/** All faults of the request, where it may have several. */
	readonly faults?: readonly Fault[] | undefined;
	readonly cause?: unknown;
}

/** The one error class of Facet. Its `code` decides the HTTP status, the retry and the public message. */
export class AppError extends Error {
	override readonly name = 'AppError';
	readonly code: ErrorCode;
	readonly detail: string | undefined;
	readonly retryable: boolean;
	readonly retryAfterSeconds: number | undefined;
	readonly faults: readonly Fault[] | undefined;

	constructor(code: ErrorCode, options: AppErrorOptions = {}) {
		const { publicMessage } = ERROR_CATALOGUE[code];
		super(
			`${code}: ${options.detail ?? publicMessage}`,
			'cause' in options ? { cause: options.cause } : undefined,
		);
		this.code = code;
		this.detail = options.detail;
		this.retryable = options.retryable ?? ERROR_CATALOGUE[code].retryable;
		this.retryAfterSeconds = options.retryAfterSeconds;
		this.faults = options.faults;
	}

	get status(): number {
		return ERROR_CATALOGUE[this.code].status;
	}

	get publicMessage(): string {
		return ERROR_CATALOGUE[this.code].publicMessage;
	}

	toRecord(): ErrorRecord {
		return { code: this.code, detail: this.detail, retryable: this.retryable };
	}

	static fromRecord({ code, ...options }: ErrorRecord, cause?: unknown): AppError {
		return new AppError(code, cause === undefined ? options : { ...options, cause });
	}

	/** Any thrown value as an AppError; an unknown one becomes `internal`, with the original as its cause. */
	static from(error: unknown): AppError {
		return error instanceof AppError ? error : new AppError('internal', { cause: error });
	}
}
