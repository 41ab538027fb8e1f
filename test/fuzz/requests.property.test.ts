import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { signLink } from '@facet/storage';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { BatchClient } from '../support/batch-client.ts';
import { Facet } from '../support/facet.ts';
import { V1Client } from '../support/v1.ts';

/** Requests of any content to the built API: none may be a fault of its own. */

fc.configureGlobal({ seed: 6, numRuns: 150 });

const SIGNING_KEY = randomBytes(32).toString('base64url');
const KEY = 'right-key';
const OBJECT = { key: 'faces/fuzz/0-0.jpg', bytes: Buffer.from('0123456789') };
const known = { 'x-api-key': KEY };

let facet: Facet;
let jobId: string;
let batchId: string;

beforeAll(async () => {
	facet = await Facet.start(
		inject('redisUrl'),
		{
			API_KEYS: KEY,
			STORAGE_SIGNING_KEY: SIGNING_KEY,
			WRONG_KEYS_PER_MINUTE: '0',
			SYNC_TIMEOUT_MS: '1',
			// A body that happens to be right is a job that nobody does.
			MAX_QUEUE_DEPTH: '5',
		},
		0,
	);
	const url = 'http://127.0.0.1:9/photo.jpg';
	jobId = (await new V1Client(facet.url, known).submit({ url })).body.id;
	batchId = (await new BatchClient(facet.url, known).submit({ items: [{ url }, { url }] })).id;
	await mkdir(join(facet.storageDirectory, 'faces', 'fuzz'), { recursive: true });
	await writeFile(join(facet.storageDirectory, OBJECT.key), OBJECT.bytes);
});

afterAll(async () => {
	// Whatever it was sent, the process is the same and has nothing to complain of.
	expect(facet.logs).not.toMatch(/"level":(?:50|60)/);
	expect(facet.logs.match(/api: listening/g)).toHaveLength(1);
	await facet.stop();
});

/** Characters that a value of a header may have, more often than not those that mean something to a parser. */
const headerText = fc.oneof(
	fc.string({ unit: fc.constantFrom(...',;="\\*/ -_.:0123456789abcW'), maxLength: 40 }),
	fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map(toCharacter), maxLength: 60 }),
);

/** DEL is no character of a header. */
function toCharacter(code: number): string {
	return String.fromCharCode(code === 0x7f ? 0x20 : code);
}

async function ask(path: string, init: RequestInit = {}): Promise<{ status: number; text: string }> {
	const response = await fetch(facet.url + path, init);
	const answer = { status: response.status, text: await response.text() };
	expect(answer.status, `${init.method ?? 'GET'} ${path}: ${answer.text}`).toBeLessThan(500);
	return answer;
}

describe('headers', () => {
	it('of keys let nobody pass but who has one', async () => {
		const scheme = fc.constantFrom('Bearer ', 'bearer  ', 'Basic ', '', 'Bearer', 'Bearer right-key ');
		const value = fc.oneof(
			headerText,
			fc.constantFrom(KEY, `${KEY},`, `"${KEY}"`, `${KEY} ${KEY}`, KEY.toUpperCase()),
		);
		const headers = fc.record(
			{ authorization: fc.tuple(scheme, value).map((parts) => parts.join('')), 'x-api-key': value },
			{ requiredKeys: [] },
		);
		const isRight = (given: { authorization?: string; 'x-api-key'?: string }) => {
			const authorization = given.authorization?.trim();
			if (authorization === undefined) return given['x-api-key']?.trim() === KEY;
			return authorization.toLowerCase().startsWith('bearer ') && authorization.slice(7).trim() === KEY;
		};
		await fc.assert(
			fc.asyncProperty(headers, async (given) => {
				const { status } = await ask('/v1/jobs?limit=1', { headers: given });
				expect(status).toBe(isRight(given) ? 200 : 401);
			}),
		);
	});

	it('of one’s place in a stream of events are taken or ignored', async () => {
		const place = fc.oneof(headerText, fc.stringMatching(/^\d{1,20}-\d{1,20}(-end)?$/));
		await fc.assert(
			fc.asyncProperty(place, async (lastEventId) => {
				const leave = new AbortController();
				const response = await fetch(`${facet.url}/v1/jobs/${jobId}/events`, {
					headers: { ...known, 'last-event-id': lastEventId },
					signal: leave.signal,
				});
				expect(response.status).toBeLessThan(500);
				leave.abort();
				await response.text().catch(() => '');
			}),
			{ numRuns: 50 },
		);
	});

	it('of ranges, validators and proxies do not change what a file is', async () => {
		const expires = Math.floor(Date.now() / 1000) + 3600;
		const query = new URLSearchParams({
			expires: String(expires),
			signature: signLink(SIGNING_KEY, { key: OBJECT.key, expires }),
		});
		const range = fc.oneof(
			headerText,
			fc.tuple(fc.nat(20), fc.nat(20)).map(([from, to]) => `bytes=${from}-${to}`),
			fc.constantFrom(
				'bytes=-1',
				'bytes=5-',
				'bytes=0-99999999999999999999',
				'bytes=0-0,5-5,1-9',
				'lines=1-2',
			),
		);
		const headers = fc.record(
			{ range, 'if-range': headerText, 'if-none-match': headerText, 'x-forwarded-for': headerText },
			{ requiredKeys: [] },
		);
		await fc.assert(
			fc.asyncProperty(headers, async (given) => {
				const { status, text } = await ask(`/files/${OBJECT.key}?${query}`, { headers: given });
				expect([200, 304]).toContain(status);
				if (status === 200) expect(text).toBe(OBJECT.bytes.toString());
			}),
		);
	});
});

describe('cursors and ids', () => {
	const forged = fc
		.tuple(fc.oneof(fc.bigInt({ min: 0n, max: 10n ** 17n }), fc.string()), fc.oneof(fc.uuid(), fc.string()))
		.map(([time, id]) => Buffer.from(`${time} ${id}`).toString('base64url'));
	const cursor = fc.oneof(
		fc.string({ maxLength: 600 }),
		forged,
		fc.tuple(fc.nat(), fc.uuid()).map(([time, id]) => `${time}.${id}`),
		fc.integer().map(String),
		fc.constantFrom('__proto__', '0x1', '1e3', '-1', '9'.repeat(600)),
	);

	it.each([
		['jobs', () => '/v1/jobs'],
		['batches', () => '/v1/batches'],
		['results of a batch', () => `/v1/batches/${batchId}/results`],
	])('of %s are a page or a refusal', async (_, path) => {
		await fc.assert(
			fc.asyncProperty(cursor, fc.option(fc.oneof(fc.nat(200), fc.string())), async (given, limit) => {
				const query = new URLSearchParams({ cursor: given, ...(limit !== null && { limit: String(limit) }) });
				expect([200, 400]).toContain((await ask(`${path()}?${query}`, { headers: known })).status);
			}),
		);
	});

	it('of any text are nobody’s', async () => {
		const name = fc.oneof(
			fc.string({ minLength: 1 }),
			fc.constantFrom('..', '.', '%', '%00', `${'a'.repeat(3000)}`, '*'),
		);
		const route = fc.constantFrom(
			'/v1/jobs/ID',
			'/v1/batches/ID',
			'/v1/batches/ID/results',
			'/v1/jobs/ID/deliveries',
		);
		await fc.assert(
			fc.asyncProperty(route, name, fc.boolean(), async (path, id, isEncoded) => {
				const plain = id.replace(/[?#/\s\\\ud800-\udfff]/g, '');
				const segment = isEncoded ? encodeURIComponent(plain) : plain;
				// These are other paths.
				fc.pre(!/^(?:\.|%2e)*$/i.test(segment));
				const { status } = await ask(
					path.replace('ID', () => segment),
					{ headers: known },
				);
				expect([400, 404]).toContain(status);
			}),
		);
	});

	it('of files that were not signed are not there', async () => {
		const text = fc.oneof(
			fc.string({ maxLength: 40 }),
			fc.constantFrom('1', '-1', '9e99', '99999999999', ''),
		);
		const key = fc.oneof(
			fc.constant(OBJECT.key),
			fc.string({ unit: fc.constantFrom('.', '/', '%2e', '%2f', 'a', '%00') }),
		);
		await fc.assert(
			fc.asyncProperty(key, text, text, async (path, expires, signature) => {
				const query = new URLSearchParams({ expires, signature });
				expect([400, 401, 404, 405]).toContain((await ask(`/files/${path}?${query}`)).status);
			}),
		);
	});
});

describe('bodies', () => {
	const type = fc.oneof(
		fc.constantFrom('application/json', 'application/x-ndjson', 'text/plain', 'multipart/form-data', ''),
		fc.constantFrom(
			'multipart/form-data; boundary=x',
			'multipart/form-data; boundary="',
			'application/json; charset=utf-7',
		),
	);
	const field = fc.constantFrom(
		'url',
		'img',
		'items',
		'defaults',
		'num_frames',
		'webhook_url',
		'tag',
		'__proto__',
		'priority',
	);
	const json = fc
		.dictionary(
			field,
			fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom('http://127.0.0.1:9/a', '', -1, 1e300)),
		)
		.map((value) => JSON.stringify(value));
	const form = [
		'--x',
		'Content-Disposition: form-data; name="file"; filename="a.jpg"',
		'',
		'bytes',
		'--x--',
		'',
	].join('\r\n');
	const body = fc.oneof(
		json,
		fc.array(json).map((lines) => lines.join('\n')),
		fc.string({ unit: fc.constantFrom('[', '{', '"a":', '1', '}', ']', '\n', 'é'), maxLength: 300 }),
		// A form, cut and joined anywhere.
		fc
			.tuple(fc.nat(form.length), fc.nat(form.length))
			.map(([end, start]) => form.slice(0, end) + form.slice(start)),
		fc.string({
			unit: fc.constantFrom(
				'--x',
				'\r\n',
				'--',
				'Content-Disposition: form-data; name=',
				'"file"',
				'filename="a"',
			),
		}),
		fc.string({ unit: 'binary' }),
	);

	it.each(['/v1/jobs', '/v1/batches', '/v1/uploads', '/v1/webhooks/test', '/detect_faces'])(
		'of any bytes sent to %s are taken or refused',
		async (path) => {
			const headers = fc.record(
				{
					prefer: headerText,
					'idempotency-key': headerText,
					'cancel-after': headerText,
					'x-request-id': headerText,
				},
				{ requiredKeys: [] },
			);
			await fc.assert(
				fc.asyncProperty(type, body, headers, async (contentType, content, others) => {
					const init = {
						method: 'POST',
						headers: { ...known, ...others, 'content-type': contentType },
						body: Buffer.from(content),
					};
					const response = await fetch(facet.url + path, init);
					const text = await response.text();
					// The only answers above that are not about a fault: nobody does these jobs.
					if (response.status === 504) expect(path).toBe('/detect_faces');
					else expect(response.status, text).toBeLessThan(500);
				}),
			);
		},
	);
});
