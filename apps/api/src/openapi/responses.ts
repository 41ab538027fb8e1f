import { detectFailureSchema, ERROR_CATALOGUE, type ErrorCode, problemSchema } from '@facet/contracts';
import { type HeaderName, headerRefs } from './headers.ts';
import type { Content, Response } from './openapi-types.ts';
import type { Schemas } from './schemas.ts';

/** What may go wrong with any request to `/v1`. */
const ANY_REQUEST: readonly ErrorCode[] = [
	'invalid_request',
	'unauthorized',
	'rate_limited',
	'internal',
	'queue_unavailable',
	'shutting_down',
];

/** The answers to errors of an operation of `/v1`: those that any has, and those with these codes. */
export function problems(schemas: Schemas, ...codes: ErrorCode[]): Record<string, Response> {
	const content = { 'application/problem+json': { schema: schemas.output(problemSchema) } };
	return failures([...ANY_REQUEST, ...codes], content, ['X-Job-Id']);
}

/** The same for `POST /detect_faces`, in its own format. */
export function detectFailures(schemas: Schemas): Record<string, Response> {
	const content = { 'application/json': { schema: schemas.output(detectFailureSchema) } };
	const codes = Object.keys(ERROR_CATALOGUE).filter((code): code is ErrorCode => !NOT_OF_FACADE.has(code));
	return failures(codes, content, ['X-Job-Id', 'Preference-Applied']);
}

/** Codes of `/v1` alone, and of paths and methods that there are not. */
const NOT_OF_FACADE = new Set([
	'not_found',
	'method_not_allowed',
	'conflict',
	'gone',
	'idempotency_mismatch',
]);

function failures(
	codes: readonly ErrorCode[],
	content: Content,
	headers: readonly HeaderName[],
): Record<string, Response> {
	const byStatus = new Map<number, Set<ErrorCode>>();
	for (const code of codes) {
		const { status } = ERROR_CATALOGUE[code];
		byStatus.set(status, (byStatus.get(status) ?? new Set()).add(code));
	}
	return Object.fromEntries(
		[...byStatus]
			.sort(([a], [b]) => a - b)
			.map(([status, some]) => [
				String(status),
				{
					description: [...some]
						.map((code) => `\`${code}\`: ${ERROR_CATALOGUE[code].publicMessage}`)
						.join('. '),
					headers: headerRefs(...headers, ...headersOf(status)),
					content,
				},
			]),
	);
}

function headersOf(status: number): HeaderName[] {
	if (status === 401) return ['WWW-Authenticate'];
	return status === 429 || status === 503 ? ['Retry-After'] : [];
}
