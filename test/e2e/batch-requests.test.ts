import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { generateWebhookSecret } from '@facet/webhooks';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { BatchClient } from '../support/batch-client.ts';
import { Facet } from '../support/facet.ts';

/** Of a service without workers, so that what is accepted stays as it is. */
let facet: Facet;
let batches: BatchClient;
const others: Facet[] = [];

const url = 'https://example.com/photo.jpg';

beforeAll(async () => {
	facet = await Facet.start(inject('redisUrl'), { MAX_BATCH_ITEMS: '300', MAX_QUEUE_DEPTH: '1000' }, 0);
	batches = new BatchClient(facet.url);
});

afterAll(() => facet.stop());

afterEach(async () => {
	for (const other of others.splice(0)) await other.stop();
});

async function startFacet(environment: Readonly<Record<string, string>>): Promise<Facet> {
	const other = await Facet.start(inject('redisUrl'), environment, 0);
	others.push(other);
	return other;
}

/** That nothing is left of a batch which was refused. */
async function expectNothing(service = facet, client = batches): Promise<void> {
	expect((await client.list()).data).toEqual([]);
	expect(await service.storedObjects()).toEqual([]);
	expect((await service.temporaryFiles()).filter((name) => name.endsWith('.ndjson'))).toEqual([]);
}

const ndjson = (...lines: unknown[]) =>
	lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');

describe('a batch is refused', () => {
	it('with every faulty line named', async () => {
		const body = ndjson(
			{ defaults: { num_frames: 5, tag: 'x' } },
			{ url },
			{ url: 'ftp://example.com/photo.jpg' },
			'',
			{ url, num_frames: 0, size: 5 },
			'{"url": "https://example.com',
			{},
			{ url, upload_id: 'upl_0123456789abcdef' },
			{ upload_id: 'upl_0123456789abcdef' },
			{ defaults: {} },
			{ img: 'AAAA' },
			[url],
			{ url: `https://example.com/${'a'.repeat(70_000)}` },
			{ url },
		);
		const problem = await batches.refusal(body);
		expect(problem).toMatchObject({
			status: 400,
			code: 'invalid_request',
			retryable: false,
			detail: 'expected a batch without faults, received one with 11',
		});
		expect(problem.errors).toEqual([
			{ line: 3, detail: 'url: expected an absolute http or https URL' },
			{ line: 5, detail: 'num_frames: expected at least 1, received 0', pointer: '/num_frames' },
			{ line: 5, detail: 'body: expected no field "size"' },
			{ line: 6, detail: 'expected JSON' },
			{ line: 7, detail: 'expected one of url, img and upload_id, received none' },
			{ line: 8, detail: 'expected one of url, img and upload_id, received 2 of them' },
			{ line: 9, detail: expect.stringMatching(/^upload_id: expected an upload that was sent/) },
			{ line: 10, detail: 'body: expected no field "defaults"' },
			{ line: 11, detail: 'body: expected no field "img"' },
			{ line: 12, detail: 'body: expected a JSON object, received an array' },
			{ line: 13, detail: 'expected at most 65536 bytes, received a longer line' },
		]);
		await expectNothing();
	});

	it('with every faulty item named by a pointer', async () => {
		const items = [{ url }, { url: 'photo.jpg' }, { url, include: ['scores', 'smiles'] }, 7];
		const problem = await batches.refusal({ num_frames: 0, webhook_url: 'https://example.com/', items });
		expect(problem.errors).toEqual([
			{ pointer: '/num_frames', detail: 'num_frames: expected at least 1, received 0' },
			{ pointer: '/items/1', detail: 'url: expected an absolute http or https URL' },
			{
				pointer: '/items/2/include/1',
				detail:
					'include.1: expected one of scores, track_ids, persons, landmarks_68, pose, quality, received the string "smiles"',
			},
			{ pointer: '/items/3', detail: 'body: expected a JSON object, received 7' },
		]);
		await expectNothing();
	});

	it('with the first hundred faults, and how many more', async () => {
		const problem = await batches.refusal(ndjson(...Array.from({ length: 250 }, () => ({ url: 'x' }))));
		expect(problem.errors).toHaveLength(100);
		expect(problem.errors?.at(-1)?.line).toBe(100);
		expect(problem.detail).toMatch(/received one with 250; the first 100 are listed, 150 more are not$/);
		await expectNothing();
	});

	it.each<[string, unknown, string, RegExp]>([
		['without items', { items: [] }, 'invalid_request', /at least one/],
		['without a list of them', { url }, 'invalid_request', /items: expected an array/],
		['that is no object', [{ url }], 'invalid_request', /JSON object/],
		['of blank lines', '\n\n', 'invalid_request', /at least one/],
		['of defaults alone', ndjson({ defaults: {} }), 'invalid_request', /at least one/],
		['of too many items', { items: Array(301).fill({ url }) }, 'body_too_large', /at most 300 items/],
		['of too many lines', ndjson(...Array(301).fill({ url })), 'body_too_large', /at most 300 items/],
		['with a webhook that nobody can sign', { webhook_url: url, items: [{ url }] }, 'invalid_request', /1$/],
		[
			'with events but no webhook',
			{ webhook_events: ['detection.failed'], items: [{ url }] },
			'invalid_request',
			/1$/,
		],
		[
			'that is no UTF-8',
			Buffer.from('{"url":"https://example.com/\xff"}\n', 'latin1'),
			'invalid_request',
			/1$/,
		],
	])('%s', async (_, body, code, detail) => {
		const problem = await batches.refusal(body);
		expect(problem).toMatchObject({ code, detail: expect.stringMatching(detail) });
		await expectNothing();
	});

	it('of another type, or compressed', async () => {
		expect(await batches.refusal('url', { 'content-type': 'text/csv' })).toMatchObject({ status: 400 });
		const compressed = await batches.refusal(ndjson({ url }), { 'content-encoding': 'gzip' });
		expect(compressed.detail).toMatch(/^Content-Encoding/);
		await expectNothing();
	});

	it('when its sender goes away midway', async () => {
		const sending = request(`${facet.url}/v1/batches`, {
			method: 'POST',
			headers: { 'content-type': 'application/x-ndjson' },
		});
		sending.on('error', () => {});
		sending.write(ndjson(...Array.from({ length: 100 }, () => ({ url }))));
		const written = async () => (await facet.temporaryFiles()).some((name) => name.endsWith('.ndjson'));
		await expect.poll(written, { timeout: 10_000 }).toBe(true);
		sending.destroy();
		await expect.poll(written, { timeout: 10_000 }).toBe(false);
		await expectNothing();
	});

	it('early, while its sender is still at it, who gets the answer', async () => {
		const sending = request(`${facet.url}/v1/batches`, {
			method: 'POST',
			headers: { 'content-type': 'application/x-ndjson' },
		});
		sending.write(ndjson(...Array.from({ length: 400 }, () => ({ url }))));
		const [response] = await once(sending, 'response');
		expect(response.statusCode).toBe(413);
		response.resume();
		sending.destroy();
	});

	it('beyond what may wait, batches that wait for a worker included', async () => {
		const full = await startFacet({ MAX_QUEUE_DEPTH: '5' });
		const client = new BatchClient(full.url);
		await client.submit({ items: Array(3).fill({ url }) });
		const response = await client.post({ items: Array(3).fill({ url }) });
		expect(response.status).toBe(429);
		expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
		expect(await response.json()).toMatchObject({ code: 'queue_full', retryable: true });
		const larger = await client.post({ items: Array(6).fill({ url }) });
		expect(larger.headers.get('retry-after')).toBeNull();
		expect(await larger.json()).toMatchObject({ code: 'queue_full', retryable: false });
		await client.submit({ items: Array(2).fill({ url }) });
		expect((await client.list()).data).toHaveLength(2);
	});

	it('beyond what its caller may have in flight, each item counted', async () => {
		const service = await startFacet({});
		const { key } = await service.callers.create('someone', { maxJobsInFlight: 5 });
		const client = new BatchClient(service.url, { authorization: `Bearer ${key}` });
		expect(await client.refusal({ items: Array(6).fill({ url }) })).toMatchObject({
			code: 'too_many_jobs',
			retryable: false,
		});
		await client.submit({ items: Array(4).fill({ url }) });
		expect(await client.refusal({ items: Array(2).fill({ url }) })).toMatchObject({
			code: 'too_many_jobs',
			retryable: true,
		});
		await client.submit({ items: [{ url }] });
		expect((await client.list()).data).toHaveLength(2);
		expect(await service.storedObjects()).toHaveLength(2);
	});
});

describe('batches', () => {
	it('are listed newest first, page by page, and one of another caller is not found', async () => {
		const service = await startFacet({ WEBHOOK_SECRET: generateWebhookSecret() });
		const keys = await Promise.all(['a', 'b'].map((name) => service.callers.create(name)));
		const [mine, theirs] = keys.map(({ key }) => new BatchClient(service.url, { 'x-api-key': key }));
		if (mine === undefined || theirs === undefined) throw new Error('no clients');
		const ids: string[] = [];
		for (let number = 0; number < 5; number += 1) {
			const webhook = { webhook_url: 'https://example.com/hook' };
			ids.unshift((await mine.submit({ tag: `t${number}`, ...webhook, items: [{ url }] })).id);
		}
		const other = await theirs.submit(ndjson({ url }));

		const first = await mine.list('?limit=2');
		const second = await mine.list(`?limit=2&cursor=${first.next_cursor}`);
		const third = await mine.list(`?limit=2&cursor=${second.next_cursor}`);
		expect([first, second, third].map(({ data }) => data.map(({ id }) => id))).toEqual([
			ids.slice(0, 2),
			ids.slice(2, 4),
			ids.slice(4),
		]);
		expect(third.next_cursor).toBeNull();
		expect(first.data[0]).toMatchObject({ tag: 't4', total: 1, counts: { queued: 1 } });
		expect((await theirs.list()).data.map(({ id }) => id)).toEqual([other.id]);

		for (const id of [ids[0] ?? '', randomUUID()]) {
			const calls = [theirs.get(id), theirs.get(`${id}/results`), theirs.cancel(id), theirs.delete(id)];
			for (const response of await Promise.all(calls)) {
				expect(response.status).toBe(404);
				expect(await response.json()).toMatchObject({ code: 'not_found' });
			}
		}
		expect((await mine.read(ids[0] ?? '')).status).toBe('processing');
		expect((await mine.get('?cursor=what')).status).toBe(400);
	});

	it('are made once for one idempotency key', async () => {
		const service = await startFacet({});
		const client = new BatchClient(service.url);
		const key = { 'idempotency-key': 'a' };
		const lines = ndjson({ defaults: { tag: 'x' } }, { url }, { url, num_frames: 2 });
		const [first, second] = await Promise.all([client.submit(lines, key), client.submit(lines, key)]);
		expect(second.id).toBe(first.id);
		// What it asks for counts, not how it is written.
		const replay = await client.post({ items: [{ url }, { num_frames: 2, url }], tag: 'x' }, key);
		expect(replay.headers.get('idempotent-replayed')).toBe('true');
		expect(await replay.json()).toMatchObject({ id: first.id, total: 2 });
		expect(await client.refusal(ndjson({ url }), key)).toMatchObject({ code: 'idempotency_mismatch' });
		expect((await client.list()).data.map(({ id }) => id)).toEqual([first.id]);
		expect(await service.storedObjects()).toHaveLength(1);
		expect((await client.submit(lines, { 'idempotency-key': 'b' })).id).not.toBe(first.id);
	});
});
