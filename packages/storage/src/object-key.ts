import { AppError } from '@facet/contracts';

/** S3 allows 1024 bytes; less leaves room for the storage directory in a path and for the prefixes that stores add. */
const MAX_KEY_LENGTH = 512;
/** File systems allow 255 bytes a name. */
const MAX_SEGMENT_LENGTH = 200;

/**
 * One name between two slashes. None starts with a dot: that leaves out `.` and `..`, and keeps the file-system
 * driver's own `.tmp` and `.signing-key` out of reach. All characters are safe in a URL's path without encoding.
 */
const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;

/**
 * Checks an object key: names of letters, digits, `.`, `_` and `-` (no dot in front), joined by single slashes, at
 * most 512 characters in all and 200 a name. A key must not lie below another object's key (`a` and `a/b`): a file
 * system cannot hold both.
 *
 * @returns the key.
 * @throws AppError `invalid_request`.
 */
export function checkObjectKey(key: string): string {
	const valid =
		key.length <= MAX_KEY_LENGTH &&
		key.split('/').every((segment) => segment.length <= MAX_SEGMENT_LENGTH && SEGMENT.test(segment));
	if (valid) return key;
	throw new AppError('invalid_request', {
		detail:
			`object key: expected names of letters, digits, ".", "_" and "-" joined by "/" ` +
			`(at most ${MAX_KEY_LENGTH} characters), received ${JSON.stringify(key.slice(0, 80))}`,
	});
}

/** Checks a folder of keys by the same rules; a slash at its end may be there or not. @returns it without that slash. */
export function checkObjectPrefix(prefix: string): string {
	return checkObjectKey(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix);
}
