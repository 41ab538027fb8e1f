import { describe, expect, it } from 'vitest';
import { signWebhook, verifyWebhook } from './signature.ts';

const secret = `whsec_${Buffer.from('a secret of thirty-two bytes, ok').toString('base64')}`;
const other = `whsec_${Buffer.from('another secret of 32 bytes, fine').toString('base64')}`;
const timestampSeconds = 1_800_000_000;
const now = timestampSeconds * 1000;
const message = { id: 'msg_1', timestampSeconds, body: '{"type":"webhook.test","face":"ü"}' };
const headers = signWebhook(message, [secret]);

describe('signWebhook', () => {
	it('signs once for each secret', () => {
		const both = signWebhook(message, [secret, other])['webhook-signature'].split(' ');
		expect(both).toHaveLength(2);
		expect(both[0]).toBe(headers['webhook-signature']);
		expect(both[1]).toMatch(/^v1,[A-Za-z0-9+/]{43}=$/);
	});
});

describe('verifyWebhook', () => {
	it.each([[[secret]], [[other, secret]]])('knows its own signature', (secrets) => {
		expect(verifyWebhook(headers, message.body, secrets, now)).toEqual({ valid: true });
	});

	it('finds the right signature among several', () => {
		const both = signWebhook(message, [other, secret]);
		const withForeign = { ...both, 'webhook-signature': `v1a,AAAA v2,BBBB ${both['webhook-signature']}` };
		expect(verifyWebhook(withForeign, message.body, [secret], now)).toEqual({ valid: true });
	});

	it.each([
		[{ ...headers, 'webhook-id': 'msg_2' }, message.body],
		[{ ...headers, 'webhook-timestamp': String(timestampSeconds + 1) }, message.body],
		[{ ...headers, 'webhook-signature': 'v1,' }, message.body],
		[{ ...headers, 'webhook-signature': headers['webhook-signature'].replace('v1,', 'v1a,') }, message.body],
		[signWebhook(message, [other]), message.body],
		[headers, message.body.replace('ü', 'u')],
	])('refuses what was changed: %j', (changed, body) => {
		expect(verifyWebhook(changed, body, [secret], now)).toEqual({ valid: false, reason: 'wrong_signature' });
	});

	it.each([
		[300, true],
		[-300, true],
		[301, false],
		[-301, false],
	])('%i seconds later: %s', (seconds, valid) => {
		const verified = verifyWebhook(headers, message.body, [secret], now + seconds * 1000);
		expect(verified).toEqual(valid ? { valid } : { valid, reason: 'wrong_time' });
	});

	it.each(['soon', '', '1e9', '-1'])('refuses %j as a time', (timestamp) => {
		const changed = { ...headers, 'webhook-timestamp': timestamp };
		expect(verifyWebhook(changed, message.body, [secret], now)).toMatchObject({ reason: 'wrong_time' });
	});

	it.each(Object.keys(headers))('refuses a message without %s', (name) => {
		const changed = { ...headers, [name]: undefined };
		expect(verifyWebhook(changed, message.body, [secret], now)).toMatchObject({ reason: 'missing_header' });
	});
});
