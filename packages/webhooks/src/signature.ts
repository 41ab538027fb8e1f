import { createHmac, timingSafeEqual } from 'node:crypto';
import { webhookSecretKey } from './webhook-secret.ts';

/** Signatures of Standard Webhooks 1.0 (https://github.com/standard-webhooks/standard-webhooks), the symmetric scheme. */

export interface SignedMessage {
	/** The same for every attempt: receivers tell by it what they have had already. */
	readonly id: string;
	/** The time of the attempt, in seconds since the epoch. */
	readonly timestampSeconds: number;
	/** The bytes of the body as text; a body that was parsed and written again is another one. */
	readonly body: string;
}

export type WebhookHeaders = Readonly<
	Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>
>;

export type Verification =
	| { readonly valid: true }
	| { readonly valid: false; readonly reason: 'missing_header' | 'wrong_time' | 'wrong_signature' };

/** How far apart the clocks of the two sides may be, and how long a message may be on its way. */
const TOLERANCE_SECONDS = 5 * 60;
const VERSION = 'v1';

/**
 * The headers of one attempt.
 *
 * @param secrets - `whsec_…`; one signature each, so that receivers can change from one secret to the next at leisure.
 * @throws AppError `invalid_request` for a malformed secret.
 */
export function signWebhook(message: SignedMessage, secrets: readonly string[]): WebhookHeaders {
	const signatures = secrets.map((secret) => `${VERSION},${digest(message, secret).toString('base64')}`);
	return {
		'webhook-id': message.id,
		'webhook-timestamp': String(message.timestampSeconds),
		'webhook-signature': signatures.join(' '),
	};
}

/**
 * Whether a message was signed with one of the secrets within the last five minutes. What does not match takes as long
 * to compare as what does.
 *
 * @param headers - by lower-case name, as Node gives them.
 * @throws AppError `invalid_request` for a malformed secret.
 */
export function verifyWebhook(
	headers: Readonly<Record<string, string | readonly string[] | undefined>>,
	body: string,
	secrets: readonly string[],
	nowMs: number = Date.now(),
): Verification {
	const id = headers['webhook-id'];
	const timestamp = headers['webhook-timestamp'];
	const signature = headers['webhook-signature'];
	if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signature !== 'string') {
		return { valid: false, reason: 'missing_header' };
	}
	const timestampSeconds = /^\d{1,15}$/.test(timestamp) ? Number(timestamp) : Number.NaN;
	// Written so that a time which is no number fails too.
	if (!(Math.abs(nowMs / 1000 - timestampSeconds) <= TOLERANCE_SECONDS)) {
		return { valid: false, reason: 'wrong_time' };
	}
	const presented = signature
		.split(' ')
		.filter((part) => part.startsWith(`${VERSION},`))
		.map((part) => Buffer.from(part.slice(VERSION.length + 1), 'base64'));
	const expected = secrets.map((secret) => digest({ id, timestampSeconds, body }, secret));
	const matches = presented.flatMap((candidate) =>
		expected.filter((hash) => candidate.length === hash.length && timingSafeEqual(candidate, hash)),
	);
	return matches.length > 0 ? { valid: true } : { valid: false, reason: 'wrong_signature' };
}

function digest({ id, timestampSeconds, body }: SignedMessage, secret: string): Buffer {
	return createHmac('sha256', webhookSecretKey(secret)).update(`${id}.${timestampSeconds}.${body}`).digest();
}
