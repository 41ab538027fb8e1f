import { describe, expect, it } from 'vitest';
import { AnswerChecker } from './answer-checker.ts';
import type { ApiDocument } from './api-document.ts';

const thing = {
	type: 'object',
	properties: { id: { type: 'string' }, at: { type: 'string', format: 'date-time' } },
	required: ['id'],
};
const document: ApiDocument & { components: object } = {
	openapi: '3.1.1',
	paths: {
		'/v1/things/{id}': {
			get: {
				operationId: 'getThing',
				responses: {
					200: {
						headers: { 'X-Request-Id': {}, 'X-Left': {} },
						content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } },
					},
				},
			},
		},
	},
	webhooks: {},
	components: {
		schemas: { Thing: thing },
		headers: {
			'X-Request-Id': { required: true, schema: { type: 'string' } },
			'X-Left': { schema: { type: 'integer' } },
		},
	},
};
const checker = new AnswerChecker(document);
const json = { 'content-type': 'application/json; charset=utf-8', 'x-request-id': 'a' };

function check(
	body: unknown,
	{ path = '/v1/things/1', status = 200, method = 'GET', headers = json as Record<string, string> } = {},
): void {
	const answer = { method, path, status, headers: new Headers(headers) };
	checker.checkValue(answer, checker.checkHead(answer).at, body);
}

describe('AnswerChecker', () => {
	it('accepts what is documented', () => {
		expect(() => check({ id: 'a', at: '2026-01-31T09:30:00.000Z' })).not.toThrow();
	});

	it.each<[string, () => void, RegExp]>([
		['a field that is missing', () => check({}), /must have required property 'id'/],
		['a field that is not documented', () => check({ id: 'a', more: 1 }), /must NOT have additional/],
		['a time that is none', () => check({ id: 'a', at: 'now' }), /must match format "date-time"/],
		['another status', () => check({ id: 'a' }, { status: 201 }), /no status 201/],
		['another path', () => check({ id: 'a' }, { path: '/v1/others' }), /no such operation/],
		['another method', () => check({ id: 'a' }, { method: 'POST' }), /no such operation/],
		[
			'another type',
			() => check({ id: 'a' }, { headers: { ...json, 'content-type': 'text/html' } }),
			/no content of type text\/html/,
		],
		[
			'a header that is missing',
			() => check({ id: 'a' }, { headers: { 'content-type': 'application/json' } }),
			/x-request-id is missing/,
		],
		[
			'a header that is not documented',
			() => check({ id: 'a' }, { headers: { ...json, 'x-more': '1' } }),
			/no header x-more/,
		],
		[
			'a header that is no integer',
			() => check({ id: 'a' }, { headers: { ...json, 'x-left': 'few' } }),
			/x-left is few/,
		],
	])('refuses %s', (_name, act, message) => {
		expect(act).toThrow(message);
	});
});
