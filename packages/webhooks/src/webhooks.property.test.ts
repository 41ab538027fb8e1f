import { AppError } from '@facet/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRetryAfter, retryDelayMs } from './retry-schedule.ts';
import { signWebhook, verifyWebhook } from './signature.ts';
import { generateWebhookSecret, webhookSecretKey } from './webhook-secret.ts';

fc.configureGlobal({ seed: 6, numRuns: 500 });

const secret = fc
	.uint8Array({ minLength: 24, maxLength: 64 })
	.map((key) => `whsec_${Buffer.from(key).toString('base64')}`);
const message = fc.record({
	id: fc.string(),
	timestampSeconds: fc.integer({ min: 0, max: 2 ** 40 }),
	body: fc.string({ unit: 'binary' }),
});
const NAMES = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const;

describe('signatures', () => {
	it('of any message are right for each of its secrets, and for no other', () => {
		fc.assert(
			fc.property(message, fc.uniqueArray(secret, { minLength: 2, maxLength: 3 }), (signed, secrets) => {
				const [first = '', ...others] = secrets;
				const headers = signWebhook(signed, secrets);
				const nowMs = signed.timestampSeconds * 1000;
				for (const one of secrets) {
					expect(verifyWebhook(headers, signed.body, [one], nowMs)).toEqual({ valid: true });
				}
				const foreign = signWebhook(signed, [first]);
				expect(verifyWebhook(foreign, signed.body, others, nowMs)).toMatchObject({ valid: false });
			}),
		);
	});

	it('do not hold for another body or id, nor at another time', () => {
		fc.assert(
			fc.property(message, secret, fc.constantFrom('id', 'timestamp', 'body'), (signed, key, changed) => {
				const headers: Record<string, string> = signWebhook(signed, [key]);
				if (changed === 'id') headers['webhook-id'] += 'x';
				if (changed === 'timestamp') headers['webhook-timestamp'] = String(signed.timestampSeconds + 1);
				const body = changed === 'body' ? `${signed.body} ` : signed.body;
				expect(verifyWebhook(headers, body, [key], signed.timestampSeconds * 1000)).toEqual({
					valid: false,
					reason: 'wrong_signature',
				});
			}),
		);
	});

	it('of any headers are judged', () => {
		const text = fc.oneof(
			fc.string(),
			fc.constantFrom('v1,', 'v1,AAAA v1a,BBBB', ' ', '1e3', '-1', '0x10', 'NaN'),
			fc.constant(undefined),
			fc.array(fc.string()),
		);
		fc.assert(
			fc.property(fc.tuple(text, text, text), secret, (values, key) => {
				const headers = Object.fromEntries(NAMES.map((name, place) => [name, values[place]]));
				expect(verifyWebhook(headers, 'body', [key], 0).valid).toBe(false);
			}),
		);
	});
});

describe('secrets', () => {
	it('of any text are a key of 24 to 64 bytes or a refusal that does not show them', () => {
		const text = fc.oneof(
			fc.string(),
			secret,
			secret.map((good) => `${good}!`),
			fc.base64String().map((base64) => `whsec_${base64}`),
		);
		fc.assert(
			fc.property(text, (given) => {
				try {
					const key = webhookSecretKey(given);
					expect(key.length).toBeGreaterThanOrEqual(24);
					expect(key.length).toBeLessThanOrEqual(64);
				} catch (error) {
					if (!(error instanceof AppError)) throw error;
					if (given.length > 20) expect(JSON.stringify([error.message, error.cause])).not.toContain(given);
				}
			}),
		);
		expect(webhookSecretKey(generateWebhookSecret())).toHaveLength(32);
	});
});

describe('Retry-After', () => {
	it('of any text is a time to come or nothing, and the next attempt is within the limits', () => {
		const header = fc.oneof(
			fc.string(),
			fc.nat().map(String),
			fc.bigInt({ min: 0n }).map(String),
			fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
		);
		fc.assert(
			fc.property(header, fc.array(fc.nat(1e9), { minLength: 1 }), (text, schedule) => {
				const askedMs = parseRetryAfter(text);
				if (askedMs !== undefined) expect(askedMs).toBeGreaterThan(0);
				const delayMs = retryDelayMs(schedule, 0, askedMs) ?? Number.NaN;
				expect(delayMs).toBeGreaterThanOrEqual(schedule[0] ?? 0);
				expect(delayMs).toBeLessThanOrEqual(Math.max((schedule[0] ?? 0) * 1.1, 86_400_000) + 1);
			}),
		);
	});
});
