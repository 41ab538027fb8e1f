import { expect, it } from 'vitest';
import { signLink } from './signed-link.ts';
import { signUpload, verifyUpload } from './signed-upload.ts';

const SECRET = 'a secret of more than 32 characters';
const NOW = 1_700_000_000;
const grant = {
	key: 'uploads/open/upl_1.bin',
	expires: NOW,
	maxBytes: 1000,
	contentType: 'video/mp4',
	contentLength: 900,
};
const { contentLength: _, ...open } = grant;

it('signs so that another implementation could verify', () => {
	// printf 'facet-upload-v1\nPUT\nuploads/open/upl_1.bin\n1700000000\n1000\nvideo/mp4\n900' |
	//   openssl dgst -sha256 -hmac "$SECRET" -binary | basenc --base64url
	expect(signUpload(SECRET, grant)).toBe(
		'expires=1700000000&max_bytes=1000&content_type=video%2Fmp4&content_length=900' +
			'&signature=CrN6uP4uVklK07neU-a2GWKn1PbvmCheGioe3tdx77o',
	);
});

it.each([grant, open])('gives back what was granted, until the second it names', (granted) => {
	const query = new URLSearchParams(signUpload(SECRET, granted));
	expect(verifyUpload(SECRET, granted.key, query, NOW)).toEqual({ verdict: 'valid', grant: granted });
	expect(verifyUpload(SECRET, granted.key, query, NOW + 1)).toEqual({ verdict: 'expired' });
});

it.each<[string, (query: URLSearchParams) => void]>([
	['a later time', (query) => query.set('expires', String(NOW + 60))],
	['another limit', (query) => query.set('max_bytes', '1001')],
	['a limit that is no number', (query) => query.set('max_bytes', '1000\n')],
	['another type', (query) => query.set('content_type', 'video/webm')],
	['another length', (query) => query.set('content_length', '901')],
	['no length', (query) => query.delete('content_length')],
	['no signature', (query) => query.delete('signature')],
	['a link for reading', (query) => query.set('signature', signLink(SECRET, grant))],
])('refuses %s', (_name, change) => {
	const query = new URLSearchParams(signUpload(SECRET, grant));
	change(query);
	expect(verifyUpload(SECRET, grant.key, query, NOW)).toEqual({ verdict: 'forged' });
});

it('refuses another key, and another secret even when it is old', () => {
	const query = new URLSearchParams(signUpload(SECRET, grant));
	expect(verifyUpload(SECRET, 'uploads/open/upl_2.bin', query, NOW)).toEqual({ verdict: 'forged' });
	expect(verifyUpload(`${SECRET}.`, grant.key, query, NOW + 1)).toEqual({ verdict: 'forged' });
});
