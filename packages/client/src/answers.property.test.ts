import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { retryingFetch } from './retrying-fetch.ts';
import { verifyWebhook, WebhookVerificationError } from './verify-webhook.ts';

fc.configureGlobal({ seed: 6, numRuns: 300 });

const KEY = Buffer.alloc(32, 7);
const SECRET = `whsec_${KEY.toString('base64')}`;
const NOW_MS = 1_800_000_000_000;

function headersOf(id: string, timestamp: string, body: string) {
	const signature = createHmac('sha256', KEY).update(`${id}.${timestamp}.${body}`).digest('base64');
	return { 'Webhook-Id': id, 'Webhook-Timestamp': timestamp, 'Webhook-Signature': `v1,${signature}` };
}

const id = fc.stringMatching(/^msg_[a-z0-9-]{1,20}$/);

it('webhooks that were signed lately are their event, whatever it says', async () => {
	const offset = fc.integer({ min: -300, max: 300 });
	await fc.assert(
		fc.asyncProperty(id, fc.jsonValue(), offset, async (messageId, event, seconds) => {
			const body = JSON.stringify(event);
			const headers = headersOf(messageId, String(NOW_MS / 1000 + seconds), body);
			const verified = await verifyWebhook({ headers, body, secrets: [SECRET], nowMs: NOW_MS });
			expect(JSON.stringify(verified)).toBe(body);
		}),
	);
});

it('webhooks of any other headers, times and bodies are refused', async () => {
	const text = fc.oneof(
		fc.string(),
		fc.constantFrom('v1,', 'v1,AAAA v1,!', `v1,${'A'.repeat(44)}`, '1e9', '-1', '1800000000', ' '),
		fc.constant(undefined),
		fc.array(fc.string()),
	);
	await fc.assert(
		fc.asyncProperty(text, text, text, fc.string(), async (messageId, timestamp, signature, body) => {
			const headers = {
				'webhook-id': messageId,
				'webhook-timestamp': timestamp,
				'webhook-signature': signature,
			};
			await expect(verifyWebhook({ headers, body, secrets: [SECRET], nowMs: NOW_MS })).rejects.toThrow(
				WebhookVerificationError,
			);
		}),
	);
	const late = fc.integer({ min: 301, max: 1e9 }).chain((seconds) => fc.constantFrom(seconds, -seconds));
	await fc.assert(
		fc.asyncProperty(id, late, async (messageId, seconds) => {
			const headers = headersOf(messageId, String(NOW_MS / 1000 + seconds), '{}');
			await expect(verifyWebhook({ headers, body: '{}', secrets: [SECRET], nowMs: NOW_MS })).rejects.toThrow(
				'the last five minutes',
			);
		}),
	);
});

it('an answer with a Retry-After that is no near time is the answer', async () => {
	const header = fc.oneof(
		fc
			.stringMatching(/^[ -~]{0,20}$/)
			.filter((text) => !/^\s*\d+\s*$/.test(text) && Number.isNaN(Date.parse(text))),
		fc.integer({ min: 121 }).map(String),
		fc.bigInt({ min: 10n ** 20n }).map(String),
		fc
			.constantFrom('Fri, 01 Jan 2999 00:00:00 GMT', '-1', '1e1', '0x1', '1.5', 'NaN', 'Infinity')
			.filter((text) => Number.isNaN(Date.parse(text)) || text.startsWith('Fri')),
	);
	await fc.assert(
		fc.asyncProperty(header, fc.constantFrom(429, 503), async (retryAfter, status) => {
			let asked = 0;
			const fetch = retryingFetch(
				async () => {
					asked += 1;
					return new Response('later', { status, headers: { 'retry-after': retryAfter } });
				},
				{ maxRetries: 3 },
			);
			expect((await fetch(new Request('http://facet/'))).status).toBe(status);
			expect(asked).toBe(1);
		}),
	);
});
