import { expect, it } from 'vitest';
import { signLink, verifyLink } from './signed-link.ts';

const SECRET = 'a secret of more than 32 characters';
const key = 'faces/1/0-0.jpg';
const expires = 1_700_000_000;
const link = { key, expires: String(expires), signature: signLink(SECRET, { key, expires }) };

it('signs so that another implementation could verify', () => {
	// printf 'facet-file-v1\nfaces/1/0-0.jpg\n1700000000' | openssl dgst -sha256 -hmac "$SECRET" -binary | basenc --base64url
	expect(link.signature).toBe('bdKpA8ur6E0wovJCzdy1r7l1RbKtaHc35Hhw0De9oXg');
});

it('holds until the second it names', () => {
	expect(verifyLink(SECRET, link, expires)).toBe('valid');
	expect(verifyLink(SECRET, link, expires + 1)).toBe('expired');
});

it.each([
	['another key', { ...link, key: 'faces/1/0-1.jpg' }],
	['a later time', { ...link, expires: String(expires + 1) }],
	['a time that is no number', { ...link, expires: `${expires} ` }],
	['no time', { ...link, expires: null }],
	['no signature', { ...link, signature: null }],
	['an empty signature', { ...link, signature: '' }],
	['half a signature', { ...link, signature: link.signature.slice(0, 20) }],
	['a signature of another alphabet', { ...link, signature: 'ä'.repeat(link.signature.length) }],
])('refuses %s', (_, changed) => {
	expect(verifyLink(SECRET, changed, expires)).toBe('forged');
});

it('says forged, not expired, to an old link that was never ours', () => {
	expect(verifyLink('another secret of 32 characters..', link, expires + 1)).toBe('forged');
});
