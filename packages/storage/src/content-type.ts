import { AppError } from '@facet/contracts';

const OCTET_STREAM = 'application/octet-stream';

/** What a browser may be told an object is. Nothing here runs as a script or a page when it is opened. */
const TYPES: Readonly<Record<string, string>> = {
	avif: 'image/avif',
	bmp: 'image/bmp',
	gif: 'image/gif',
	heic: 'image/heic',
	jpeg: 'image/jpeg',
	jpg: 'image/jpeg',
	json: 'application/json',
	m4v: 'video/mp4',
	mkv: 'video/matroska',
	mov: 'video/quicktime',
	mp4: 'video/mp4',
	png: 'image/png',
	tiff: 'image/tiff',
	webm: 'video/webm',
	webp: 'image/webp',
};

/** The media type that a key's extension stands for; `application/octet-stream` for any other and for none. */
export function contentTypeOf(key: string): string {
	const extension = /\.([A-Za-z0-9]+)$/.exec(key)?.[1]?.toLowerCase() ?? '';
	return Object.hasOwn(TYPES, extension) ? (TYPES[extension] ?? OCTET_STREAM) : OCTET_STREAM;
}

/**
 * Refuses a media type that the key's extension does not stand for. The file-system driver keeps no side-car file for
 * the type (two files cannot be replaced as one, and a sweep would have to pair them): it reads the type off the key.
 * Both drivers check, so that a link gives the same header from either.
 *
 * @throws AppError `invalid_request`.
 */
export function checkContentType(key: string, contentType: string): string {
	const expected = contentTypeOf(key);
	if (contentType === expected) return contentType;
	throw new AppError('invalid_request', {
		detail: `contentType of ${key}: expected ${expected}, received ${contentType}`,
	});
}
