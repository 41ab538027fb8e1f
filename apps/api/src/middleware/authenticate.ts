import { createHash, timingSafeEqual } from 'node:crypto';
import { AppError } from '@facet/contracts';
import type { Request, RequestHandler } from 'express';

/**
 * Lets callers with a known key pass; without any keys, everyone.
 *
 * The key is read from `Authorization: Bearer`; only when that header is absent, from `x-api-key`.
 */
export function authenticate(keys: readonly string[]): RequestHandler {
	const known = keys.map(digest);
	return (request, _response, next) => {
		if (known.length === 0) return next();
		const presented = digest(presentedKey(request));
		// Digests have one length, and every one is compared, so that timing tells nothing of a key.
		const matches = known.filter((key) => timingSafeEqual(key, presented));
		next(matches.length > 0 ? undefined : new AppError('unauthorized'));
	};
}

function presentedKey(request: Request): string {
	const authorization = request.get('authorization');
	if (authorization === undefined) return request.get('x-api-key') ?? '';
	return /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? '';
}

function digest(key: string): Buffer {
	return createHash('sha256').update(key).digest();
}
