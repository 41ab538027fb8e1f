import { randomBytes, randomUUID } from 'node:crypto';
import { type JobList, type Problem, problemSchema, uploadSchema } from '@facet/contracts';
import { signLink } from '@facet/storage';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { BatchClient } from '../support/batch-client.ts';
import { Facet } from '../support/facet.ts';
import { samplePhoto } from '../support/sample-photos.ts';
import { reportCounts } from '../support/scenario-counts.ts';
import { V1Client } from '../support/v1.ts';
import { sendRaw } from './raw-request.ts';

const SIGNING_KEY = randomBytes(32).toString('base64url');

let facet: Facet;
/** Headers of two callers: one that has jobs, and one that wants to see them. */
let owner: { readonly 'x-api-key': string };
let stranger: { readonly 'x-api-key': string };
/** A job with crops, a batch, and a link to a crop. */
let jobId: string;
let batchId: string;
let cropUrl: URL;

beforeAll(async () => {
	facet = await Facet.start(inject('redisUrl'), {
		REQUIRE_API_KEY: 'true',
		STORAGE_SIGNING_KEY: SIGNING_KEY,
		// More than are guessed by all scenarios; what guessing without end comes to is in guessing.test.ts.
		WRONG_KEYS_PER_MINUTE: '200',
	});
	owner = { 'x-api-key': (await facet.callers.create('Owner')).key };
	stranger = { 'x-api-key': (await facet.callers.create('Stranger')).key };
	const img = (await samplePhoto(1)).toString('base64');
	const jobs = new V1Client(facet.url, owner);
	jobId = (await jobs.submit({ img, return_face_url: true })).body.id;
	const job = await jobs.get(jobId, 30);
	cropUrl = new URL(job.result?.faces_obj['0']?.face_urls?.[0] ?? '');
	const batches = new BatchClient(facet.url, owner);
	batchId = (await batches.submit({ items: [{ url: 'http://127.0.0.1:9/photo.jpg' }] })).id;
});

afterAll(async () => {
	await facet?.stop();
});

/** A request as bytes, its connection closed after the answer. */
function raw(lines: readonly string[], body = ''): string {
	return `${[...lines, 'Host: facet', 'Connection: close'].join('\r\n')}\r\n\r\n${body}`;
}

async function problemOf(path: string, init: RequestInit): Promise<Problem> {
	return problemSchema.parse(await (await fetch(facet.url + path, init)).json());
}

describe('what is another caller’s', () => {
	it('is as if it was not there', async ({ task }) => {
		await new BatchClient(facet.url, owner).ended(batchId);
		const routes: readonly (readonly [string, string, string])[] = [
			['GET', '/v1/jobs/ID', jobId],
			['GET', '/v1/jobs/ID?wait=5', jobId],
			['DELETE', '/v1/jobs/ID', jobId],
			['POST', '/v1/jobs/ID/cancel', jobId],
			['GET', '/v1/jobs/ID/events', jobId],
			['GET', '/v1/jobs/ID/deliveries', jobId],
			['GET', '/v1/jobs/ID', `${batchId}.0`],
			['DELETE', '/v1/jobs/ID', `${batchId}.0`],
			['GET', '/v1/batches/ID', batchId],
			['GET', '/v1/batches/ID/results', batchId],
			['GET', '/v1/batches/ID/deliveries', batchId],
			['POST', '/v1/batches/ID/cancel', batchId],
			['DELETE', '/v1/batches/ID', batchId],
			['POST', '/v1/deliveries/msg_ID/replay', jobId],
			['POST', '/v1/deliveries/msg_ID/replay', batchId],
		];
		for (const [method, route, id] of routes) {
			const unknownId = id.includes('.') ? `${randomUUID()}.0` : randomUUID();
			const [there, notThere] = await Promise.all(
				[id, unknownId].map(async (asked) => {
					const path = route.replace('ID', asked);
					const { instance, request_id, ...problem } = await problemOf(path, { method, headers: stranger });
					return JSON.stringify(problem).replaceAll(asked, 'ID');
				}),
			);
			expect(there, `${method} ${route}`).toContain('"code":"not_found"');
			expect(there, `${method} ${route}`).toBe(notThere);
		}
		// It is still there for whom it belongs to.
		expect(await new V1Client(facet.url, owner).get(jobId)).toMatchObject({ status: 'succeeded' });
		reportCounts(task, { routes: routes.length });
	});

	it('is in no list, and in no filter of one', async () => {
		const listed = async (headers: Record<string, string>) => {
			const { data }: JobList = await new V1Client(facet.url, headers).list();
			return data.map(({ id }) => id);
		};
		expect(await listed(owner)).toContain(jobId);
		expect(await listed(stranger)).toEqual([]);
		expect((await new BatchClient(facet.url, stranger).list()).data).toEqual([]);
	});

	it('cannot be the media of one’s own job', async () => {
		const created = await fetch(`${facet.url}/v1/uploads`, {
			method: 'POST',
			headers: { ...owner, 'content-type': 'application/json' },
			body: '{}',
		});
		const upload = uploadSchema.parse(await created.json());
		const photo = new Uint8Array(await samplePhoto(1));
		expect((await fetch(upload.url, { method: 'PUT', headers: upload.headers, body: photo })).status).toBe(
			200,
		);
		const asked = await new V1Client(facet.url, stranger).post({ upload_id: upload.upload_id });
		const unknown = await new V1Client(facet.url, stranger).post({ upload_id: `upl_${'A'.repeat(22)}` });
		expect(asked.status).toBe(unknown.status);
		expect(problemSchema.parse(await asked.json()).code).toBe(problemSchema.parse(await unknown.json()).code);
		expect((await new V1Client(facet.url, owner).post({ upload_id: upload.upload_id })).status).toBe(202);
	});

	it('is not to be had by guessed keys', async ({ task }) => {
		const keys = [
			...['', ' ', 'null', 'undefined', 'open', 'admin', 'key_0000000000000000', '*', '%', '__proto__'],
			...Array.from({ length: 40 }, () => `fct_${randomBytes(32).toString('base64url')}`),
			owner['x-api-key'].slice(0, -1),
			`${owner['x-api-key']}A`,
			owner['x-api-key'].toUpperCase(),
			owner['x-api-key'].replace('fct_', ''),
		];
		for (const key of keys) {
			for (const headers of [{ 'x-api-key': key }, { authorization: `Bearer ${key}` }]) {
				expect((await fetch(`${facet.url}/v1/jobs`, { headers })).status, key).toBe(401);
			}
		}
		reportCounts(task, { keys: keys.length });
	});
});

describe('signed links', () => {
	async function statusOf(url: string | URL, method = 'GET'): Promise<number> {
		const response = await fetch(url, { method, ...(method === 'PUT' && { body: 'x' }) });
		await response.body?.cancel();
		return response.status;
	}

	it('open one object, until their time', async ({ task }) => {
		expect(await statusOf(cropUrl)).toBe(200);
		const altered = [...(cropUrl.searchParams.get('signature') ?? '')].map((character, index, all) => {
			const link = new URL(cropUrl);
			const other = character === 'A' ? 'Q' : 'A';
			link.searchParams.set('signature', all.with(index, other).join(''));
			return link;
		});
		const changed = (change: (link: URL) => void) => {
			const link = new URL(cropUrl);
			change(link);
			return link;
		};
		const others = [
			changed((link) => link.searchParams.set('expires', '99999999999')),
			changed((link) => link.searchParams.set('expires', '1e12')),
			changed((link) => link.searchParams.set('expires', '-1')),
			changed((link) => link.searchParams.delete('expires')),
			changed((link) => link.searchParams.delete('signature')),
			changed((link) => link.searchParams.set('signature', '')),
			changed((link) => {
				link.search = '';
			}),
			changed((link) => {
				link.pathname = link.pathname.replace('0-0.jpg', '0-1.jpg');
			}),
			changed((link) => {
				link.pathname = link.pathname.replace(jobId, randomUUID());
			}),
		];
		for (const link of [...altered, ...others]) expect(await statusOf(link), link.href).toBe(404);
		// A link for reading lets nobody write or delete.
		expect(await statusOf(cropUrl, 'PUT')).toBe(404);
		expect(await statusOf(cropUrl, 'DELETE')).toBe(405);
		reportCounts(task, { 'altered links': altered.length + others.length });
	});

	it('are refused when their time is over, though truly signed', async () => {
		const key = cropUrl.pathname.replace('/files/', '');
		const expires = Math.floor(Date.now() / 1000) - 1;
		const link = new URL(cropUrl);
		link.search = `?expires=${expires}&signature=${signLink(SIGNING_KEY, { key, expires })}`;
		const problem = problemSchema.parse(await (await fetch(link)).json());
		expect(problem).toMatchObject({ status: 404, detail: 'the link has expired' });
	});

	it('lead nowhere else, though truly signed', async ({ task }) => {
		const keys = [
			...['../.signing-key', '.signing-key', 'faces/../.signing-key', 'faces/../../../../etc/passwd'],
			...['/etc/passwd', '//etc/passwd', '..%2f.signing-key', '%2e%2e/.signing-key', '%2e%2e%2f.signing-key'],
			...['..\\.signing-key', '..%5c.signing-key', 'faces/%00', 'faces/..;/.signing-key', '.tmp', 'faces/'],
			...['..%252f.signing-key', '%c0%ae%c0%ae/.signing-key', 'faces', '', '.', '..', './.signing-key'],
		];
		const expires = Math.floor(Date.now() / 1000) + 600;
		for (const key of keys) {
			for (const signed of new Set([key, decodeURIComponentOf(key)])) {
				const query = `expires=${expires}&signature=${signLink(SIGNING_KEY, { key: signed, expires })}`;
				const { text, statuses } = await sendRaw(facet.url, raw([`GET /files/${key}?${query} HTTP/1.1`]));
				expect(statuses, key).toHaveLength(1);
				expect([400, 404], key).toContain(statuses[0]);
				expect(text).not.toMatch(/root:/);
				expect(text).not.toContain(SIGNING_KEY);
			}
		}
		reportCounts(task, { keys: keys.length });
	});
});

function decodeURIComponentOf(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}

describe('requests that two readers would read in two ways', () => {
	const post = ['POST /detect_faces HTTP/1.1', 'Content-Type: application/json'];
	const smuggled = 'GET /healthz HTTP/1.1\r\nHost: facet\r\n\r\n';

	it.each<[string, readonly string[], string]>([
		['two lengths', ['Content-Length: 2', 'Content-Length: 40'], `{}${smuggled}`],
		['a length and chunks', ['Content-Length: 5', 'Transfer-Encoding: chunked'], `0\r\n\r\n${smuggled}`],
		['chunks and a length', ['Transfer-Encoding: chunked', 'Content-Length: 5'], `0\r\n\r\n${smuggled}`],
		['chunks twice', ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], `0\r\n\r\n${smuggled}`],
		['another encoding', ['Transfer-Encoding: xchunked'], `0\r\n\r\n${smuggled}`],
		['a tab before the colon', ['Transfer-Encoding\t: chunked'], `0\r\n\r\n${smuggled}`],
		['a space before the colon', ['Content-Length : 2'], `{}${smuggled}`],
		['a signed length', ['Content-Length: +2'], `{}${smuggled}`],
		['a length in hexadecimal', ['Content-Length: 0x2'], `{}${smuggled}`],
		['a folded header', ['X-Folded: a', ' Transfer-Encoding: chunked'], `{}${smuggled}`],
		['a line feed alone', ['X-Alone: a\nContent-Length: 2'], `{}${smuggled}`],
		['a zero byte', ['X-Zero: a\0b'], ''],
		['a bad chunk', ['Transfer-Encoding: chunked'], `0x2\r\n{}\r\n0\r\n\r\n${smuggled}`],
	])('%s: answered once, as an error', async (_name, headers, body) => {
		const { statuses, text } = await sendRaw(facet.url, raw([...post, ...headers], body));
		expect(text).not.toContain('"status":"ok"');
		expect(statuses.length).toBeLessThanOrEqual(1);
		for (const status of statuses) expect([400, 401]).toContain(status);
	});

	it('two keys are no key', async () => {
		const key = owner['x-api-key'];
		const get = (...headers: string[]) => sendRaw(facet.url, raw(['GET /v1/jobs HTTP/1.1', ...headers]));
		const bearer = `Authorization: Bearer ${key}`;
		expect((await get(bearer)).statuses).toEqual([200]);
		expect((await get(bearer, bearer)).statuses).toEqual([401]);
		expect((await get(bearer, 'Authorization: Bearer other')).statuses).toEqual([401]);
		expect((await get('Authorization: Bearer other', bearer)).statuses).toEqual([401]);
		expect((await get(`X-Api-Key: ${key}`, 'X-Api-Key: other')).statuses).toEqual([401]);
		expect((await get('Authorization: Basic Og==', `X-Api-Key: ${key}`)).statuses).toEqual([401]);
	});

	it('paths that are no URL are errors of the caller', async () => {
		for (const path of [
			'/v1/jobs/%',
			'/v1/jobs/%ff',
			'/v1/jobs/%00',
			'/v1/jobs/..%2f..',
			'/files/%',
			'//',
			'/%',
		]) {
			const { statuses } = await sendRaw(
				facet.url,
				raw([`GET ${path} HTTP/1.1`, `X-Api-Key: ${owner['x-api-key']}`]),
			);
			expect(statuses, path).toHaveLength(1);
			expect([400, 404], path).toContain(statuses[0]);
		}
	});
});

describe('limits of requests', () => {
	it('long headers, and many of them, are refused', async () => {
		const long = await sendRaw(facet.url, raw(['GET /healthz HTTP/1.1', `X-Long: ${'a'.repeat(20_000)}`]));
		expect(long.statuses).toEqual([431]);
		const many = Array.from({ length: 5000 }, (_, index) => `X-${index}: a`);
		expect((await sendRaw(facet.url, raw(['GET /healthz HTTP/1.1', ...many]))).statuses).toEqual([431]);
		const path = await sendRaw(facet.url, raw([`GET /${'a'.repeat(20_000)} HTTP/1.1`]));
		expect(path.statuses).toEqual([431]);
	});

	it('a body that says it is too long is refused before it comes', async () => {
		for (const path of ['/detect_faces', '/v1/jobs', '/v1/uploads']) {
			const { statuses } = await sendRaw(
				facet.url,
				raw([
					`POST ${path} HTTP/1.1`,
					'Content-Type: application/json',
					'Content-Length: 999999999999',
					`X-Api-Key: ${owner['x-api-key']}`,
				]),
			);
			expect(statuses, path).toEqual([413]);
		}
	});

	it('a body without an end is refused when it is too long', async () => {
		const pieces = `100000\r\n${'a'.repeat(0x100000)}\r\n`.repeat(32);
		const { statuses } = await sendRaw(
			facet.url,
			raw(
				[
					'POST /detect_faces HTTP/1.1',
					'Content-Type: application/json',
					'Transfer-Encoding: chunked',
					`X-Api-Key: ${owner['x-api-key']}`,
				],
				pieces,
			),
		);
		expect(statuses).toEqual([413]);
	});

	it('a client that does not come to an end with its headers is cut off', async () => {
		const startedAt = Date.now();
		const [silent, slow] = await Promise.all([
			sendRaw(facet.url, ''),
			sendRaw(facet.url, 'GET /healthz HTTP/1.1\r\nHost: facet\r\nX-Slow: '),
		]);
		expect(Date.now() - startedAt).toBeLessThan(40_000);
		for (const { statuses } of [silent, slow]) expect(statuses).toEqual([408]);
	});
});

describe('headers of answers', () => {
	it('are on every one', async ({ task }) => {
		const headers = { 'x-api-key': owner['x-api-key'] };
		const requests: readonly (readonly [string, RequestInit])[] = [
			['/healthz', {}],
			['/readyz', {}],
			['/metrics', {}],
			['/openapi.json', {}],
			['/docs', {}],
			['/nothing', {}],
			['/v1/jobs', {}],
			['/v1/jobs', { headers }],
			[`/v1/jobs/${jobId}`, { headers }],
			['/v1/jobs/%ff', { headers }],
			['/v1/nothing', { headers }],
			['/v1/batches', { method: 'PATCH', headers }],
			['/detect_faces', {}],
			['/detect_faces', { method: 'POST' }],
			[
				'/detect_faces',
				{ method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: '{' },
			],
			['/files/nothing', {}],
			[`${cropUrl.pathname}${cropUrl.search}`, {}],
			['/', { method: 'OPTIONS' }],
		];
		for (const [path, init] of requests) {
			const response = await fetch(facet.url + path, init);
			await response.body?.cancel();
			const header = (name: string) => response.headers.get(name);
			expect(header('x-content-type-options'), path).toBe('nosniff');
			expect(header('content-security-policy'), path).toMatch(/^default-src 'none'/);
			expect(header('x-frame-options'), path).toBe('DENY');
			expect(header('referrer-policy'), path).toBe('no-referrer');
			expect(header('cross-origin-resource-policy'), path).toMatch(/^(same-origin|cross-origin)$/);
			expect(header('cache-control'), path).toMatch(
				/^\/(openapi|docs)/.test(path) ? /public/ : path.startsWith('/files/faces') ? /private/ : /no-store/,
			);
			for (const name of ['x-powered-by', 'server', 'access-control-allow-origin', 'set-cookie']) {
				expect(header(name), path).toBeNull();
			}
		}
		reportCounts(task, { answers: requests.length });
	});
});
