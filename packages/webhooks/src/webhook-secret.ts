import { randomBytes } from 'node:crypto';
import { AppError } from '@facet/contracts';

/** Standard Webhooks 1.0, "Signature scheme": the prefix of symmetric secrets, and the size of their keys in bytes. */
const PREFIX = 'whsec_';
const MIN_BYTES = 24;
const MAX_BYTES = 64;
/** As long as the digest of HMAC-SHA256: a longer key adds nothing. */
const GENERATED_BYTES = 32;

/** A new secret, as it is shown to its owner: `whsec_` and 32 random bytes in base64. */
export function generateWebhookSecret(): string {
	return PREFIX + randomBytes(GENERATED_BYTES).toString('base64');
}

/**
 * The key in a secret.
 *
 * @throws AppError `invalid_request` that says what was expected, and shows nothing of the secret.
 */
export function webhookSecretKey(secret: string): Buffer {
	const base64 = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : '';
	const key = Buffer.from(base64, 'base64');
	// Node skips what is no base64; whoever verifies with the same secret may not.
	const isExact = key.toString('base64').replace(/=+$/, '') === base64.replace(/=+$/, '');
	if (!isExact || key.length < MIN_BYTES || key.length > MAX_BYTES) {
		throw new AppError('invalid_request', {
			detail: `webhook secret: expected ${PREFIX} and ${MIN_BYTES} to ${MAX_BYTES} bytes in base64`,
		});
	}
	return key;
}
