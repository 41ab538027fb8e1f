import type { Header, Parameter, Reference } from './openapi-types.ts';

const text = { type: 'string' } as const;
const count = { type: 'integer', minimum: 0 } as const;

/** Headers of answers, by the names that the document refers to them by. */
export const HEADERS = {
	'X-Request-Id': {
		description: 'Of the request: your own when you sent one, of up to 128 harmless characters',
		required: true,
		schema: text,
	},
	'X-Job-Id': { description: 'Id of the job that the request made or asked for', schema: text },
	'RateLimit-Limit': { description: 'Requests a minute, for callers with a limit', schema: count },
	'RateLimit-Remaining': { description: 'Requests that are left in this minute', schema: count },
	'RateLimit-Reset': { description: 'Seconds until the count begins anew', schema: count },
	'RateLimit-Policy': { description: 'The limit and its window in seconds: `60;w=60`', schema: text },
	'Retry-After': { description: 'Seconds to wait before trying again', schema: count },
	'Cache-Control': { description: '`no-store`', schema: text },
	'X-Accel-Buffering': {
		description: '`no`: nginx passes each event on at once',
		schema: { type: 'string', const: 'no' },
	},
	'WWW-Authenticate': { description: '`Bearer`', required: true, schema: text },
	Location: { description: 'URL of what was made', required: true, schema: text },
	'Preference-Applied': {
		description: 'What of `Prefer` was followed (RFC 7240)',
		schema: text,
	},
	'Idempotent-Replayed': {
		description: '`true` when an earlier request with this `Idempotency-Key` made it',
		schema: { type: 'string', const: 'true' },
	},
	'Facet-Deduplicated': {
		description: '`true` when an unfinished job with the same media and options answers (`dedupe`)',
		schema: { type: 'string', const: 'true' },
	},
} as const satisfies Record<string, Header>;

export type HeaderName = keyof typeof HEADERS;

/** Headers that any answer may have. */
const COMMON: readonly HeaderName[] = [
	'X-Request-Id',
	'RateLimit-Limit',
	'RateLimit-Remaining',
	'RateLimit-Reset',
	'RateLimit-Policy',
];

/** References to the headers of an answer: those that any may have, and others. */
export function headerRefs(...others: HeaderName[]): Record<string, Reference> {
	return Object.fromEntries(
		[...COMMON, ...others].map((name) => [name, { $ref: `#/components/headers/${name}` }]),
	);
}

/** `Prefer` of a request that makes a job. */
export function preferParameter(description: string): Parameter {
	return { name: 'Prefer', in: 'header', description, schema: text };
}

export const idempotencyKeyParameter: Parameter = {
	name: 'Idempotency-Key',
	in: 'header',
	description:
		'Makes the request safe to repeat for 24 hours: the same key with the same request gives what the first one made, with another request 422. 1 to 64 printable characters.',
	schema: { type: 'string', minLength: 1, maxLength: 64 },
};

export const cancelAfterParameter: Parameter = {
	name: 'Cancel-After',
	in: 'header',
	description:
		'Ends the job as `expired` when it has not ended by then: `90`, `90s`, `5m` or `1h`, from 5 seconds to 24 hours',
	schema: { type: 'string', pattern: '^\\d{1,6}\\s*[smh]?$' },
};

export function idParameter(description: string): Parameter {
	return { name: 'id', in: 'path', required: true, description, schema: text };
}
