import type { WebhookEvent } from './types.ts';

export interface VerifyWebhookOptions {
	/** Of the request. */
	readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
	/** The body as it came: parsed and written again it is another one. */
	readonly body: string | Uint8Array;
	/** `whsec_…`; several while they are rotated. */
	readonly secrets: readonly string[];
	/** The present time in milliseconds since the epoch; the clock by default. */
	readonly nowMs?: number;
}

/** A message that must not be trusted. */
export class WebhookVerificationError extends Error {
	override readonly name = 'WebhookVerificationError';
}

/** How far apart the clocks of the two sides may be (Standard Webhooks 1.0). */
const TOLERANCE_MS = 300_000;

/**
 * The event in a webhook that was signed with one of the secrets within the last five minutes. The same event may come
 * more than once: its `webhook-id` is the same then.
 *
 * @throws WebhookVerificationError for what is not signed so; TypeError for a secret that is none.
 */
export async function verifyWebhook(options: VerifyWebhookOptions): Promise<WebhookEvent> {
	const { body, secrets, nowMs = Date.now() } = options;
	const [id, timestamp, signatures] = ['id', 'timestamp', 'signature'].map((name) =>
		headerOf(options.headers, `webhook-${name}`),
	);
	if (!id || !timestamp || !signatures) {
		throw new WebhookVerificationError(
			'expected the headers webhook-id, webhook-timestamp and webhook-signature',
		);
	}
	// Written so that a time which is no number fails too.
	if (!(/^\d+$/.test(timestamp) && Math.abs(nowMs - Number(timestamp) * 1000) <= TOLERANCE_MS)) {
		throw new WebhookVerificationError('expected a message of the last five minutes');
	}
	const text = typeof body === 'string' ? body : new TextDecoder().decode(body);
	const signed = new TextEncoder().encode(`${id}.${timestamp}.${text}`);
	for (const secret of secrets) {
		if (await isSigned(signed, signatures, await importSecret(secret))) return JSON.parse(text);
	}
	throw new WebhookVerificationError('expected a signature by one of the secrets');
}

/** `crypto.subtle.verify` compares in constant time. */
async function isSigned(
	signed: Uint8Array<ArrayBuffer>,
	signatures: string,
	key: Awaited<ReturnType<typeof importSecret>>,
): Promise<boolean> {
	for (const part of signatures.split(' ')) {
		const [version, base64 = ''] = part.split(',', 2);
		const signature = version === 'v1' ? fromBase64(base64) : undefined;
		if (signature && (await crypto.subtle.verify('HMAC', key, signature, signed))) return true;
	}
	return false;
}

async function importSecret(secret: string) {
	const bytes = secret.startsWith('whsec_') ? fromBase64(secret.slice('whsec_'.length)) : undefined;
	if (bytes === undefined || bytes.length === 0) {
		throw new TypeError('expected a webhook secret: whsec_ and base64');
	}
	return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
}

function fromBase64(base64: string): Uint8Array<ArrayBuffer> | undefined {
	try {
		return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
	} catch {
		return undefined;
	}
}

function headerOf(headers: VerifyWebhookOptions['headers'], name: string): string | undefined {
	if (headers instanceof Headers) return headers.get(name) ?? undefined;
	const entry = Object.entries(headers).find(([key]) => key.toLowerCase() === name);
	return typeof entry?.[1] === 'string' ? entry[1] : undefined;
}
