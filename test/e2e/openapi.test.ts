import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type ApiDocument, ApiSchemas } from '../support/api-document.ts';
import { Facet } from '../support/facet.ts';

/** Served, and not described: the description itself. */
const REFERENCE = /^\/(openapi\.json|docs(\/.*)?)$/;

let facet: Facet;
let document: ApiDocument;

beforeAll(async () => {
	facet = await Facet.start(inject('redisUrl'), { LOG_LEVEL: 'debug', API_KEYS: 'some-key' }, 0);
	document = (await (await fetch(`${facet.url}/openapi.json`)).json()) as ApiDocument;
});

afterAll(async () => {
	await facet?.stop();
});

describe('/openapi.json', () => {
	it('is a valid OpenAPI 3.1 document', async () => {
		const validator = new Validator();
		// A copy: the validator takes the document for its own.
		const { valid, errors } = await validator.validate(structuredClone({ ...document }));
		expect(errors).toBeUndefined();
		expect([valid, validator.version]).toEqual([true, '3.1']);
	});

	it('has every route of the API, and no other', async () => {
		const line = await facet.logged('api: routes');
		const served = (line.routes as { method: string; path: string }[])
			.filter(({ method, path }) => method !== 'head' && !REFERENCE.test(path))
			.map(({ method, path }) => `${method} ${path}`);
		const described = Object.entries(document.paths).flatMap(([path, item]) =>
			Object.keys(item).map((method) => `${method} ${path}`),
		);
		expect(described.sort()).toEqual(served.sort());
	});

	it('has no reference that leads nowhere, and no schema that nothing refers to', () => {
		const text = JSON.stringify(document);
		const referred = new Set(
			[...text.matchAll(/"\$ref":"#\/components\/(\w+\/[\w-]+)"/g)].map(([, name]) => name),
		);
		const { schemas, headers } = document.components;
		const names = [
			...Object.keys(schemas).map((name) => `schemas/${name}`),
			...Object.keys(headers).map((name) => `headers/${name}`),
		];
		expect(names.sort()).toEqual([...referred].sort());
		expect(text.match(/"\$ref":"(?!#\/components\/)[^"]*"/g)).toBeNull();
	});

	it('names each operation once', () => {
		const ids = [...JSON.stringify(document).matchAll(/"operationId":"([^"]*)"/g)].map(([, id]) => id);
		expect(new Set(ids).size).toBe(ids.length);
	});

	it('has examples that are what their schemas say', () => {
		const schemas = new ApiSchemas(document);
		let count = 0;
		const visit = (value: unknown, at: readonly string[]): void => {
			if (typeof value !== 'object' || value === null) return;
			if ('schema' in value && ('example' in value || 'examples' in value)) {
				const named = 'examples' in value ? Object.values(value.examples as object) : [];
				const examples = 'example' in value ? [value.example] : named.map((example) => example.value);
				for (const example of examples) {
					expect(schemas.faults([...at, 'schema'], example), at.join(' ')).toBeUndefined();
					count += 1;
				}
			}
			for (const [key, part] of Object.entries(value)) visit(part, [...at, key]);
		};
		visit(document, []);
		expect(count).toBeGreaterThan(15);
	});

	it('is open to callers without a key, and may be kept for a while', async () => {
		const response = await fetch(`${facet.url}/openapi.json`);
		expect(response.status).toBe(200);
		expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
		expect(response.headers.get('cache-control')).toMatch(/^public, max-age=\d+$/);
		const again = await fetch(`${facet.url}/openapi.json`, {
			// Without the second, fetch asks for a fresh copy.
			headers: { 'if-none-match': response.headers.get('etag') ?? '', 'cache-control': 'max-age=0' },
		});
		expect([again.status, await again.text()]).toEqual([304, '']);
	});
});

describe('/docs', () => {
	it('is a page that gets all of its parts from here', async () => {
		const response = await fetch(`${facet.url}/docs`);
		expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
		const policy = response.headers.get('content-security-policy') ?? '';
		expect(policy).toContain("default-src 'none'");
		expect(policy).not.toMatch(/unsafe|https?:|\*/);
		const page = await response.text();
		expect(page).not.toMatch(/<script>|<style>|\son\w+=|https?:/);
		const parts = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, part]) => part ?? '');
		expect(parts.length).toBe(4);
		for (const part of parts) {
			const file = await fetch(new URL(part, `${facet.url}/docs`));
			expect([part, file.status]).toEqual([part, 200]);
			expect(file.headers.get('content-type')).toMatch(/^(text\/(css|javascript)|image\/png)/);
			expect((await file.arrayBuffer()).byteLength).toBeGreaterThan(50);
		}
	});

	it('serves no other file', async () => {
		for (const name of ['package.json', 'index.html', '..%2fpackage.json', 'swagger-ui.js']) {
			const response = await fetch(`${facet.url}/docs/${name}`);
			expect([name, response.status]).toEqual([name, 404]);
			await response.body?.cancel();
		}
	});
});
