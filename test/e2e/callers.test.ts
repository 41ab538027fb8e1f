import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Answer, Facet } from '../support/facet.ts';
import { startHttpServer } from '../support/http-server.ts';
import { samplePhoto } from '../support/sample-photos.ts';

describe('jobs in flight', () => {
	let facet: Facet;

	beforeAll(async () => {
		// Without a worker at first: jobs wait.
		facet = await Facet.start(inject('redisUrl'), { API_KEYS: 'environment', SYNC_TIMEOUT_MS: '55000' }, 0);
	});

	afterAll(async () => {
		await facet?.stop();
	});

	it('are limited for each caller, and make room when they end', async () => {
		const img = (await samplePhoto(1)).toString('base64');
		const { key } = await facet.callers.create('Back end', { maxJobsInFlight: 2 });
		const headers = { 'x-api-key': key };
		const refused: Answer[] = [];
		const answers = Array.from({ length: 4 }, async () => {
			const answer = await facet.detect({ img }, headers);
			if (answer.status === 429) refused.push(answer);
			return answer.status;
		});
		const unlimited = Array.from({ length: 3 }, () => facet.detect({ img }, { 'x-api-key': 'environment' }));
		await expect.poll(() => refused.length, { timeout: 10_000 }).toBe(2);
		for (const answer of refused) {
			expect(answer.headers.get('retry-after')).toBe('5');
			expect(answer.body.error).toEqual({
				code: 'too_many_jobs',
				retryable: true,
				detail: 'expected at most 2 jobs in flight, received 1 more to the 2 there are',
			});
		}

		await facet.startWorker();
		expect((await Promise.all(answers)).sort()).toEqual([200, 200, 429, 429]);
		for (const { status } of await Promise.all(unlimited)) expect(status).toBe(200);
		// Jobs that ended, with a result or without, have made room.
		expect((await facet.detect({ img: Buffer.from('not a photo').toString('base64') }, headers)).status).toBe(
			500,
		);
		const again = await Promise.all([facet.detect({ img }, headers), facet.detect({ img }, headers)]);
		expect(again.map(({ status }) => status)).toEqual([200, 200]);
	});
});

describe('two callers', () => {
	let facet: Facet;
	let img: string;
	let first: string;
	let second: string;

	beforeAll(async () => {
		facet = await Facet.start(inject('redisUrl'), { API_KEYS: 'environment,other' });
		img = (await samplePhoto(1)).toString('base64');
		first = (await facet.callers.create('First')).key;
		second = (await facet.callers.create('Second')).key;
	});

	afterAll(async () => {
		await facet?.stop();
	});

	async function call(
		key: string,
		method: string,
		path: string,
		body?: unknown,
		more?: Record<string, string>,
	) {
		const response = await fetch(facet.url + path, {
			method,
			headers: { 'x-api-key': key, 'content-type': 'application/json', ...more },
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		const text = await response.text();
		return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text };
	}

	/** What is said of a job or batch that is another caller's, and of one that never was: the same. */
	async function expectUnknown(key: string, [method, path]: readonly [string, string], id: string) {
		const nobodys = randomUUID();
		const [others, unknown] = await Promise.all([
			call(key, method, path.replace('ID', id)),
			call(key, method, path.replace('ID', nobodys)),
		]);
		expect(others, `${method} ${path}`).toMatchObject({ status: 404, body: { code: 'not_found' } });
		const { request_id: _, instance: __, job_id: ___, ...problem } = others.body;
		expect(unknown.body).toMatchObject(problem);
	}

	const JOB_CALLS = [
		['GET', '/v1/jobs/ID'],
		['GET', '/v1/jobs/ID?wait=1'],
		['GET', '/v1/jobs/ID/events'],
		['GET', '/v1/jobs/ID/deliveries'],
		['POST', '/v1/jobs/ID/cancel'],
		['DELETE', '/v1/jobs/ID'],
		['POST', '/v1/deliveries/msg_ID/replay'],
	] as const;
	const BATCH_CALLS = [
		['GET', '/v1/batches/ID'],
		['GET', '/v1/batches/ID/results'],
		['GET', '/v1/batches/ID/deliveries'],
		['POST', '/v1/batches/ID/cancel'],
		['DELETE', '/v1/batches/ID'],
	] as const;

	it('cannot see, stop or erase each other’s jobs', async () => {
		const made = await call(first, 'POST', '/v1/jobs', { img, tag: 'mine' }, { prefer: 'wait=30' });
		expect(made).toMatchObject({ status: 200, body: { status: 'succeeded' } });
		for (const key of [second, 'environment']) {
			for (const request of JOB_CALLS) await expectUnknown(key, request, made.body.id);
			for (const query of ['', '?tag=mine']) {
				expect((await call(key, 'GET', `/v1/jobs${query}`)).body).toEqual({ data: [], next_cursor: null });
			}
		}
		const deliveries = await call(first, 'GET', `/v1/jobs/${made.body.id}/deliveries`);
		expect(deliveries.status).toBe(200);
		const own = await call(first, 'GET', '/v1/jobs?tag=mine');
		expect(own.body.data.map(({ id }: { id: string }) => id)).toEqual([made.body.id]);
		expect(await call(first, 'GET', `/v1/jobs/${made.body.id}`)).toMatchObject({
			status: 200,
			body: made.body,
		});
	});

	it('cannot see each other’s jobs of POST /detect_faces', async () => {
		const headers = { 'x-api-key': 'environment', prefer: 'respond-async' };
		const answer = await facet.detect({ img }, headers);
		expect(answer.status).toBe(202);
		const id = answer.headers.get('x-job-id') ?? '';
		for (const key of [first, 'other']) {
			for (const request of JOB_CALLS) await expectUnknown(key, request, id);
		}
		expect((await call('environment', 'GET', `/v1/jobs/${id}?wait=30`)).body).toMatchObject({
			status: 'succeeded',
		});
	});

	it('get no job of each other’s for the same key of theirs, or for the same photo', async () => {
		const body = { img, dedupe: true };
		const headers = { 'idempotency-key': 'same' };
		const [one, again, two] = await Promise.all([
			call(first, 'POST', '/v1/jobs', body, headers),
			call(first, 'POST', '/v1/jobs', body, headers),
			call(second, 'POST', '/v1/jobs', body, headers),
		]);
		expect(again.body.id).toBe(one.body.id);
		expect(two.body.id).not.toBe(one.body.id);
	});

	it('cannot see, stop or delete each other’s batches, or jobs in them', async () => {
		const photos = await startHttpServer((_, response) => response.end(Buffer.from(img, 'base64')));
		const items = [{ url: `${photos.url}/1` }, { url: `${photos.url}/2` }];
		const made = await call(first, 'POST', '/v1/batches', { items });
		expect(made.status).toBe(202);
		const isDone = async () => (await call(first, 'GET', `/v1/batches/${made.body.id}`)).body.status;
		await expect.poll(isDone, { timeout: 30_000 }).toBe('completed');
		const line = await call(first, 'GET', `/v1/batches/${made.body.id}/results?limit=1`);
		const itemId: string = line.body.id;
		for (const request of BATCH_CALLS) await expectUnknown(second, request, made.body.id);
		for (const request of JOB_CALLS) await expectUnknown(second, request, itemId);
		expect((await call(second, 'GET', '/v1/batches')).body).toEqual({ data: [], next_cursor: null });
		const deliveries = await call(first, 'GET', `/v1/batches/${made.body.id}/deliveries`);
		expect(deliveries.status).toBe(200);
		expect(await call(first, 'GET', `/v1/jobs/${itemId}`)).toMatchObject({
			status: 200,
			body: { status: 'succeeded', batch_id: made.body.id },
		});
		await photos.close();
	});
});
