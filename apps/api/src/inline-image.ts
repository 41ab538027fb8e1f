import { AppError } from '@facet/contracts';

const DATA_URI = /^data:([^,]*),/i;
/** Both alphabets of RFC 4648, padded or not. */
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/**
 * The bytes of an `img` parameter: plain base64, or a data URI. What they are is for the worker to find out; the media
 * type that a data URI claims is not looked at.
 *
 * @throws AppError `invalid_request`.
 */
export function decodeInlineImage(img: string): Buffer {
	const prefix = DATA_URI.exec(img);
	if (prefix && !/;base64$/i.test(prefix[1]?.trim() ?? '')) {
		throw new AppError('invalid_request', { detail: 'img: expected a data URI in base64' });
	}
	// Common encoders break lines after 76 characters.
	const text = img.slice(prefix?.[0].length ?? 0).replace(/\s+/g, '');
	if (!BASE64.test(text)) {
		throw new AppError('invalid_request', {
			detail: 'img: expected base64 or a data URI, received other characters or none',
		});
	}
	return Buffer.from(text, 'base64');
}
