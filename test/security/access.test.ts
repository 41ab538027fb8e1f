import { randomBytes, randomUUID } from 'node:crypto';
import { type JobList, type Problem, problemSchema, uploadSchema } from '@facet/contracts';
import { signLink } from '@facet/storage';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { BatchClient } from '../support/batch-client.ts';
import type { Facet } from '../support/facet.ts';
import { samplePhoto } from '../support/sample-photos.ts';
import { reportCounts } from '../support/scenario-counts.ts';
import { V1Client } from '../support/v1.ts';
import { requestText, sendRaw } from './raw-request.ts';
import { type KeyHeader, startWithTwoCallers } from './two-callers.ts';

const SIGNING_KEY = randomBytes(32).toString('base64url');

let facet: Facet;
let owner: KeyHeader;
let stranger: KeyHeader;
let jobId: string;
let cropUrl: URL;
/** The owner's, too. */
let batchId: string;

beforeAll(async () => {
	({ facet, owner, stranger, jobId, cropUrl } = await startWithTwoCallers(inject('redisUrl'), {
		STORAGE_SIGNING_KEY: SIGNING_KEY,
		// More than are guessed by all scenarios; what guessing without end comes to is in guessing.test.ts.
		WRONG_KEYS_PER_MINUTE: '200',
	}));
	const batches = new BatchClient(facet.url, owner);
	batchId = (await batches.submit({ items: [{ url: 'http://127.0.0.1:9/photo.jpg' }] })).id;
});

afterAll(async () => {
	await facet?.stop();
});

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
				const { text, statuses } = await sendRaw(
					facet.url,
					requestText([`GET /files/${key}?${query} HTTP/1.1`]),
				);
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
