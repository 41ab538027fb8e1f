import { AppError } from '@facet/contracts';

export interface UploadUrlOptions {
	/** Life of the link in seconds. An upload that began in time may end after it. */
	readonly expiresInSeconds: number;
	/** The `Content-Type` that the client must send; one of `isUploadContentType`. It does not decide what the bytes are. */
	readonly contentType: string;
	/**
	 * Most bytes that may come. The S3 driver cannot hold a client to it without `contentLength`, since a presigned PUT
	 * has no such condition: whoever uses the object looks at its length.
	 */
	readonly maxBytes: number;
	/** The exact length in bytes, when it is known: the link takes no other. */
	readonly contentLength?: number;
}

/** What a client needs to upload one object: a request of this method to the URL, with at least these headers. */
export interface UploadLink {
	readonly method: 'PUT';
	readonly url: string;
	readonly headers: Readonly<Record<string, string>>;
}

const OCTET_STREAM = 'application/octet-stream';
/** RFC 6838, section 4.2, without parameters. SVG is left out: a browser that opens it runs what is in it. */
const PICTURE_OR_VIDEO = /^(?:image|video)\/(?!svg)[a-z0-9][a-z0-9!#$&^_.+-]{0,99}$/;

/** Whether a client may announce this media type for an upload: a picture, a video or plain bytes; in small letters. */
export function isUploadContentType(contentType: string): boolean {
	return contentType === OCTET_STREAM || PICTURE_OR_VIDEO.test(contentType);
}

/**
 * Refuses an upload that could not succeed.
 *
 * @throws AppError `body_too_large`, `invalid_request`.
 */
export function checkUpload({ contentType, contentLength, maxBytes }: UploadUrlOptions): void {
	if (!isUploadContentType(contentType)) {
		throw new AppError('invalid_request', {
			detail: `content type: expected image/…, video/… or ${OCTET_STREAM}, received ${contentType.slice(0, 80)}`,
		});
	}
	if (contentLength === undefined) return;
	if (!Number.isSafeInteger(contentLength) || contentLength < 0) {
		throw new AppError('invalid_request', {
			detail: `content length: expected a number of bytes, received ${contentLength}`,
		});
	}
	if (contentLength > maxBytes) throw tooLong(maxBytes);
}

/** The refusal of a body that is, or claims to be, longer than allowed. */
export function tooLong(maxBytes: number): AppError {
	return new AppError('body_too_large', { detail: `body: expected at most ${maxBytes} bytes` });
}
