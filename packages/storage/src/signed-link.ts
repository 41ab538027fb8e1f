import { createHmac, timingSafeEqual } from 'node:crypto';

/** What a link allows: one object, until a time. */
export interface LinkGrant {
	readonly key: string;
	/** Unix time in seconds after which the link is refused. */
	readonly expires: number;
}

/** The parts of a link as they came in, none of them trusted. */
export interface PresentedLink {
	readonly key: string;
	readonly expires: string | null;
	readonly signature: string | null;
}

/** `expired` links were ours and are too old; `forged` ones were not made with this key, or were changed. */
export type LinkVerdict = 'valid' | 'expired' | 'forged';

/** The base64url HMAC-SHA256 of a grant. */
export function signLink(signingKey: string, { key, expires }: LinkGrant): string {
	// The first line keeps the signature from meaning anything elsewhere: links for uploads have another.
	// Neither part can hold a line break, so no two grants have the same text.
	return signText(signingKey, `facet-file-v1\n${key}\n${expires}`);
}

/** Judges a link, comparing in constant time. The signature comes first: only a true link is told that it is old. */
export function verifyLink(signingKey: string, link: PresentedLink, nowSeconds: number): LinkVerdict {
	if (link.signature === null || link.expires === null || !/^\d{1,12}$/.test(link.expires)) return 'forged';
	const expires = Number(link.expires);
	if (!isSame(signLink(signingKey, { key: link.key, expires }), link.signature)) return 'forged';
	return nowSeconds <= expires ? 'valid' : 'expired';
}

/** The base64url HMAC-SHA256 of a text. */
export function signText(signingKey: string, text: string): string {
	return createHmac('sha256', signingKey).update(text).digest('base64url');
}

/** Compares two signatures in constant time. */
export function isSame(expectedSignature: string, presentedSignature: string): boolean {
	const expected = Buffer.from(expectedSignature);
	const received = Buffer.from(presentedSignature);
	return expected.length === received.length && timingSafeEqual(expected, received);
}
