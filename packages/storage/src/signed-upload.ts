import { isSame, signText } from './signed-link.ts';
import { isUploadContentType } from './upload-link.ts';

/** What an upload link allows: to PUT one object within these limits, until a time. */
export interface UploadGrant {
	readonly key: string;
	/** Unix time in seconds after which the link is refused. */
	readonly expires: number;
	readonly maxBytes: number;
	readonly contentType: string;
	/** When it was given: the only length that the link takes, in bytes. */
	readonly contentLength?: number;
}

export type UploadVerdict =
	| { readonly verdict: 'valid'; readonly grant: UploadGrant }
	| { readonly verdict: 'expired' | 'forged' };

const FORGED = { verdict: 'forged' } as const;

/** The query of an upload link: the limits, and the signature that holds them to the key and to PUT. */
export function signUpload(signingKey: string, grant: UploadGrant): string {
	const { expires, maxBytes, contentType, contentLength } = grant;
	const signature = signText(signingKey, textOf(grant));
	return new URLSearchParams({
		expires: String(expires),
		max_bytes: String(maxBytes),
		content_type: contentType,
		...(contentLength === undefined ? {} : { content_length: String(contentLength) }),
		signature,
	}).toString();
}

/** Judges the query of a request to upload `key`. As with links for reading, only a true one is told that it is old. */
export function verifyUpload(
	signingKey: string,
	key: string,
	query: URLSearchParams,
	nowSeconds: number,
): UploadVerdict {
	const expires = wholeNumber(query.get('expires'));
	const maxBytes = wholeNumber(query.get('max_bytes'));
	const contentType = query.get('content_type') ?? '';
	const contentLength = query.has('content_length') ? wholeNumber(query.get('content_length')) : null;
	if (expires === undefined || maxBytes === undefined || contentLength === undefined) return FORGED;
	if (!isUploadContentType(contentType)) return FORGED;
	const grant = {
		key,
		expires,
		maxBytes,
		contentType,
		...(contentLength === null ? {} : { contentLength }),
	};
	if (!isSame(signText(signingKey, textOf(grant)), query.get('signature') ?? '')) return FORGED;
	return nowSeconds <= expires ? { verdict: 'valid', grant } : { verdict: 'expired' };
}

/** No part can hold a line break, so no two grants have the same text. */
function textOf({ key, expires, maxBytes, contentType, contentLength }: UploadGrant): string {
	return ['facet-upload-v1', 'PUT', key, expires, maxBytes, contentType, contentLength ?? ''].join('\n');
}

function wholeNumber(text: string | null): number | undefined {
	return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
