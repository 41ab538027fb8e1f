import { describe, expect, it } from 'vitest';
import { generateWebhookSecret, webhookSecretKey } from './webhook-secret.ts';

const secretOf = (bytes: number) => `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`;

describe('webhookSecretKey', () => {
	it.each([24, 25, 32, 64])('takes %i bytes', (bytes) => {
		expect(webhookSecretKey(secretOf(bytes))).toEqual(Buffer.alloc(bytes, 7));
	});

	it('takes base64 without its padding', () => {
		expect(webhookSecretKey(secretOf(25).replace(/=+$/, ''))).toHaveLength(25);
	});

	it.each([
		['', 'nothing'],
		[secretOf(23), 'too few bytes'],
		[secretOf(65), 'too many bytes'],
		[secretOf(32).slice('whsec_'.length), 'no prefix'],
		[`${secretOf(24)}!`, 'a character that is not base64'],
		[`whsec_${Buffer.alloc(24, 0xff).toString('base64url')}`, 'another alphabet'],
	])('refuses %j: %s', (secret) => {
		expect(() => webhookSecretKey(secret)).toThrow(/expected whsec_ and 24 to 64 bytes in base64/);
	});

	it('shows nothing of a secret that it refuses', () => {
		expect(() => webhookSecretKey('whsec_hunter2')).not.toThrow(/hunter2/);
	});
});

describe('generateWebhookSecret', () => {
	it('gives another 32 bytes each time', () => {
		const secrets = [generateWebhookSecret(), generateWebhookSecret()];
		expect(secrets.map((secret) => webhookSecretKey(secret).length)).toEqual([32, 32]);
		expect(new Set(secrets).size).toBe(2);
	});
});
