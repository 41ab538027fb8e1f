import { join, sep } from 'node:path';
import { AppError } from '@facet/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkObjectKey, checkObjectPrefix } from './object-key.ts';
import { signLink, verifyLink } from './signed-link.ts';
import { signUpload, type UploadGrant, verifyUpload } from './signed-upload.ts';

fc.configureGlobal({ seed: 6, numRuns: 1000 });

const key = fc.stringMatching(/^[a-z0-9_-][a-z0-9._-]{0,20}(\/[a-z0-9_-]{1,10}){0,2}$/);
/** Keys as attackers write them. */
const anyKey = fc.oneof(
	key,
	fc.string(),
	fc.string({
		unit: fc.constantFrom('.', '/', '\\', 'a', '%', '2', 'e', '\0', '\n', '~', '-'),
		maxLength: 30,
	}),
	fc
		.array(fc.constantFrom('..', '.', 'a', '', '.tmp', '...'), { maxLength: 6 })
		.map((names) => names.join('/')),
);

describe('object keys', () => {
	it.each([
		['keys', checkObjectKey],
		['prefixes', checkObjectPrefix],
	])('%s: of any text stay below their folder or are refused', (_, check) => {
		fc.assert(
			fc.property(anyKey, (text) => {
				try {
					const checked = check(text);
					expect(join('/data', checked)).toBe(`/data/${checked}`.replaceAll('/', sep));
					expect(encodeURI(checked)).toBe(checked);
				} catch (error) {
					if (!(error instanceof AppError)) throw error;
					expect(error.code).toBe('invalid_request');
				}
			}),
		);
	});
});

describe('signed links', () => {
	const expires = fc.integer({ min: 0, max: 1e11 });
	const signingKey = fc.string({ minLength: 1 });

	it('hold for their object until their time, and for nothing else', () => {
		fc.assert(
			fc.property(signingKey, key, expires, anyKey, fc.string(), (secret, own, until, other, text) => {
				const signature = signLink(secret, { key: own, expires: until });
				const link = { key: own, expires: String(until), signature };
				expect(verifyLink(secret, link, until)).toBe('valid');
				expect(verifyLink(secret, link, until + 1)).toBe('expired');
				expect(verifyLink(secret, { ...link, expires: String(until + 1) }, until)).toBe('forged');
				expect(verifyLink(`${secret}x`, link, until)).toBe('forged');
				if (other !== own) expect(verifyLink(secret, { ...link, key: other }, until)).toBe('forged');
				if (text !== signature) {
					expect(verifyLink(secret, { ...link, signature: text }, until)).toBe('forged');
				}
				if (Number(text) !== until) {
					expect(verifyLink(secret, { ...link, expires: text }, until)).toBe('forged');
				}
			}),
		);
	});

	const grant = fc.record<UploadGrant>({
		key,
		expires,
		maxBytes: fc.nat(),
		contentType: fc.constantFrom('image/jpeg', 'video/mp4', 'application/octet-stream'),
	});

	it('for uploads hold for their limits, and for no others', () => {
		const name = fc.constantFrom('expires', 'max_bytes', 'content_type', 'content_length', 'signature');
		fc.assert(
			fc.property(signingKey, grant, name, fc.string(), (secret, given, changed, value) => {
				const query = new URLSearchParams(signUpload(secret, given));
				expect(verifyUpload(secret, given.key, query, 0)).toEqual({ verdict: 'valid', grant: given });
				const same =
					query.get(changed) === value || (value !== '' && query.get(changed) === String(Number(value)));
				query.set(changed, value);
				if (!same) expect(verifyUpload(secret, given.key, query, 0)).toEqual({ verdict: 'forged' });
			}),
		);
	});
});
