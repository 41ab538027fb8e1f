import { AppError } from '@facet/contracts';
import { type Dispatcher, errors, request } from 'undici';
import { parseRetryAfter } from './retry-schedule.ts';
import type { WebhookHeaders } from './signature.ts';

export interface WebhookRequest {
	/** Absolute http or https URL. */
	readonly url: string;
	/** The signature, made for this very body. */
	readonly headers: WebhookHeaders;
	/** JSON. */
	readonly body: string;
}

export interface SendOptions {
	/** A client that refuses addresses which callers must not reach. It must not follow redirects. */
	readonly client: Dispatcher;
	/** Limit on the whole attempt, connecting included. */
	readonly timeoutMs: number;
	/** Gives the attempt up. */
	readonly signal?: AbortSignal | undefined;
}

/** Why an attempt failed: a status other than 2xx, a redirect, silence, a forbidden address, or no HTTP at all. */
export type SendError = 'status' | 'redirect' | 'timeout' | 'blocked' | 'name' | 'tls' | 'connection';

/** What came of one attempt. `gone`: the receiver wants no more messages at this URL. */
export type SendOutcome =
	| { readonly kind: 'delivered' | 'gone'; readonly statusCode: number; readonly durationMs: number }
	| {
			readonly kind: 'failed';
			readonly error: SendError;
			/** Absent when no answer came. */
			readonly statusCode?: number;
			readonly durationMs: number;
			/** What the receiver asked for, in milliseconds from now. */
			readonly retryAfterMs?: number;
	  };

/** An answer's body is of no use, but reading a little of it saves the connection for the next message. */
const MAX_DISCARDED_BYTES = 16 * 1024;
const USER_AGENT = 'Facet/0.1 (webhooks)';
const NAME_ERRORS = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ENODATA']);

/**
 * Posts one message once. Redirects are failures: a receiver that moves says so to the caller who named it.
 *
 * @throws the signal's reason when it fires; every other end is an outcome.
 */
export async function sendWebhook(message: WebhookRequest, options: SendOptions): Promise<SendOutcome> {
	const startedAt = performance.now();
	const durationMs = () => Math.round(performance.now() - startedAt);
	const timeout = AbortSignal.timeout(options.timeoutMs);
	const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout;
	try {
		const { statusCode, headers, body } = await request(message.url, {
			dispatcher: options.client,
			method: 'POST',
			headers: { 'content-type': 'application/json', 'user-agent': USER_AGENT, ...message.headers },
			body: message.body,
			signal,
			headersTimeout: options.timeoutMs,
			bodyTimeout: options.timeoutMs,
		});
		// The status has decided; what becomes of the body changes nothing.
		await body.dump({ limit: MAX_DISCARDED_BYTES, signal }).catch(() => {});
		const retryAfter = headers['retry-after'];
		return outcomeOf(statusCode, durationMs(), parseRetryAfter(String(retryAfter ?? '')));
	} catch (error) {
		options.signal?.throwIfAborted();
		return { kind: 'failed', error: sendErrorOf(error, timeout), durationMs: durationMs() };
	}
}

function outcomeOf(statusCode: number, durationMs: number, retryAfterMs: number | undefined): SendOutcome {
	if (statusCode >= 200 && statusCode <= 299) return { kind: 'delivered', statusCode, durationMs };
	if (statusCode === 410) return { kind: 'gone', statusCode, durationMs };
	const error = statusCode >= 300 && statusCode <= 399 ? 'redirect' : 'status';
	const failure = { kind: 'failed', error, statusCode, durationMs } as const;
	return retryAfterMs === undefined ? failure : { ...failure, retryAfterMs };
}

function sendErrorOf(error: unknown, timeout: AbortSignal): SendError {
	if (
		timeout.aborted ||
		error instanceof errors.ConnectTimeoutError ||
		error instanceof errors.HeadersTimeoutError ||
		error instanceof errors.BodyTimeoutError
	) {
		return 'timeout';
	}
	// undici and net wrap what the guard threw.
	const chain = [error, error instanceof Error ? error.cause : undefined];
	if (chain.some((link) => link instanceof AppError && link.code === 'url_blocked')) return 'blocked';
	const code = error instanceof Error && 'code' in error ? String(error.code) : '';
	if (NAME_ERRORS.has(code)) return 'name';
	return /CERT|TLS|SSL|VERIFY/.test(code) ? 'tls' : 'connection';
}
