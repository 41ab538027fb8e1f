import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { Facet } from '../support/facet.ts';
import { samplePhoto } from '../support/sample-photos.ts';
import { photoForm, readProblem, V1Client } from '../support/v1.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

let photo: Buffer;
let img: string;

beforeAll(async () => {
	photo = await samplePhoto(1);
	img = photo.toString('base64');
});

describe('while no worker runs', () => {
	let facet: Facet;
	let v1: V1Client;

	beforeAll(async () => {
		facet = await Facet.start(inject('redisUrl'), { JOB_DEADLINE_SECONDS: '7200' }, 0);
		v1 = new V1Client(facet.url);
	});

	afterEach(async () => {
		for (const { id } of (await v1.list({ limit: '100' })).data) await v1.delete(id);
		expect(await facet.storedObjects()).toEqual([]);
	});

	afterAll(async () => {
		await facet?.stop();
	});

	it('a job is queued, and says all that is known of it', async () => {
		const before = Date.now();
		const { status, body } = await v1.submit({ img, tag: 'first', include: ['scores', 'persons'] });
		expect(status).toBe(202);
		const self = `${facet.url}/v1/jobs/${body.id}`;
		expect(body).toEqual({
			id: expect.stringMatching(UUID),
			status: 'queued',
			tag: 'first',
			batch_id: null,
			include: ['scores', 'persons'],
			attempts: 0,
			progress: null,
			queue_position: 0,
			created_at: expect.any(String),
			started_at: null,
			finished_at: null,
			deadline: expect.any(String),
			expires_at: null,
			metrics: null,
			result: null,
			error: null,
			urls: { self, events: `${self}/events`, cancel: `${self}/cancel`, deliveries: `${self}/deliveries` },
		});
		expect(Date.parse(body.created_at)).toBeGreaterThanOrEqual(before);
		expect(Date.parse(body.deadline ?? '') - Date.parse(body.created_at)).toBeCloseTo(7_200_000, -3);
		expect(await v1.get(body.id)).toEqual(body);
	});

	it('jobs know their place, by priority first', async () => {
		const [first, second] = [await v1.submit({ img }), await v1.submit({ img })];
		expect(second.body.queue_position).toBe(1);
		const urgent = await v1.submit({ img, priority: 'high' });
		const patient = await v1.submit({ img, priority: 'low' });
		const ids = [urgent, first, second, patient].map(({ body }) => body.id);
		const positions = await Promise.all(ids.map(async (id) => (await v1.get(id)).queue_position));
		expect(positions).toEqual([0, 1, 2, 3]);
	});

	it('a queued job is canceled at once, and nothing is left of its media', async () => {
		const { body } = await v1.submit({ img });
		expect(await facet.storedObjects()).toHaveLength(1);
		const canceled = await v1.cancel(body.id);
		expect(canceled).toMatchObject({
			id: body.id,
			status: 'canceled',
			attempts: 0,
			queue_position: null,
			started_at: null,
			finished_at: expect.any(String),
			expires_at: expect.any(String),
			result: null,
			error: { code: 'canceled', retryable: false },
		});
		expect(await facet.storedObjects()).toEqual([]);
		expect(await v1.get(body.id, 5)).toEqual(canceled);
		// An API that died between the end of a job and the removal of its crops leaves these to the next request.
		const crops = join(facet.storageDirectory, 'faces', body.id);
		await mkdir(crops, { recursive: true });
		await writeFile(join(crops, '0-0.jpg'), 'a crop');
		expect(await v1.cancel(body.id)).toEqual(canceled);
		expect(await facet.storedObjects()).toEqual([]);
		const metrics = await (await fetch(`${facet.url}/metrics`)).text();
		expect(metrics).toMatch(/facet_queue_jobs\{[^}]*state="prioritized"[^}]*\} 0/);
	});

	it('a queued job that is deleted has never been', async () => {
		const { body } = await v1.submit(photoForm({ tag: 'gone' }, photo));
		await v1.delete(body.id);
		expect(await v1.list({ tag: 'gone' })).toEqual({ data: [], next_cursor: null });
		for (const [path, method] of [
			['', 'GET'],
			['', 'DELETE'],
			['/cancel', 'POST'],
			['/events', 'GET'],
		] as const) {
			const problem = await readProblem(await v1.fetch(`/${body.id}${path}`, { method }));
			expect(problem).toMatchObject({
				status: 404,
				code: 'not_found',
				instance: `/v1/jobs/${body.id}${path}`,
			});
		}
	});

	it('lists have the newest first, and pages', async () => {
		const ids: string[] = [];
		for (const tag of ['odd', 'even', 'odd', 'even', 'odd']) {
			ids.unshift((await v1.submit({ url: 'https://example.com/a.jpg', tag })).body.id);
		}
		await v1.cancel(ids[2] ?? '');
		const idsOf = (page: { data: readonly { id: string }[] }) => page.data.map(({ id }) => id);

		const all = await v1.list();
		expect(idsOf(all)).toEqual(ids);
		expect(all.next_cursor).toBeNull();
		expect(all.data[0]).not.toHaveProperty('result');
		expect(all.data.map(({ status }) => status)).toEqual([
			'queued',
			'queued',
			'canceled',
			'queued',
			'queued',
		]);

		const first = await v1.list({ limit: '2' });
		expect(idsOf(first)).toEqual(ids.slice(0, 2));
		// A job that goes meanwhile takes nothing with it.
		await v1.delete(ids[1] ?? '');
		const second = await v1.list({ limit: '2', cursor: first.next_cursor ?? '' });
		expect(idsOf(second)).toEqual(ids.slice(2, 4));
		const third = await v1.list({ limit: '2', cursor: second.next_cursor ?? '' });
		expect(idsOf(third)).toEqual(ids.slice(4));
		expect(third.next_cursor).toBeNull();

		expect(idsOf(await v1.list({ tag: 'odd' }))).toEqual([ids[0], ids[2], ids[4]]);
		expect(idsOf(await v1.list({ tag: 'odd', status: 'queued' }))).toEqual([ids[0], ids[4]]);
		expect(idsOf(await v1.list({ status: 'canceled' }))).toEqual([ids[2]]);
		const queued = await v1.list({ status: 'queued', limit: '1' });
		expect(idsOf(queued)).toEqual([ids[0]]);
		expect(idsOf(await v1.list({ status: 'queued', cursor: queued.next_cursor ?? '' }))).toEqual(
			ids.slice(3),
		);
		expect(await v1.list({ tag: 'none' })).toEqual({ data: [], next_cursor: null });
	});

	it.each<[string, object, Record<string, string>, string, RegExp]>([
		['no media', {}, {}, 'missing_input', /one of url, img and upload_id, received none/],
		['two media', { url: 'https://a.example/', img: 'AAAA' }, {}, 'invalid_request', /received 2 of them/],
		['no URL', { url: 'example.com/a.jpg' }, {}, 'invalid_url', /url: expected an absolute http/],
		['no base64', { img: '!' }, {}, 'invalid_request', /img: expected base64/],
		['an unknown field', { img: 'AAAA', colour: 1 }, {}, 'invalid_request', /colour/],
		[
			'an unknown upload',
			{ upload_id: `upl_${'a'.repeat(22)}` },
			{},
			'invalid_request',
			/upload_id: expected/,
		],
		[
			'a wait that is over at once',
			{ img: 'AAAA' },
			{ 'cancel-after': '4s' },
			'invalid_request',
			/from 5s to 24h/,
		],
		[
			'a long key',
			{ img: 'AAAA' },
			{ 'idempotency-key': 'k'.repeat(65) },
			'invalid_request',
			/Idempotency-Key/,
		],
		['no JSON', { img: 'AAAA' }, { 'content-type': 'text/plain' }, 'invalid_request', /application\/json/],
	])('refuses %s', async (_, body, headers, code, detail) => {
		const problem = await readProblem(await v1.post(body, headers));
		expect(problem).toMatchObject({ status: 400, code, detail: expect.stringMatching(detail) });
		expect((await v1.list()).data).toEqual([]);
	});

	it('names every fault of a body, of a form, and of a query', async () => {
		const body = { img: 'AAAA', num_frames: 0, include: ['age'], tag: '' };
		expect((await readProblem(await v1.post(body))).errors).toMatchObject([
			{ pointer: '/num_frames', detail: 'num_frames: expected at least 1, received 0' },
			{ pointer: '/include/0' },
			{ pointer: '/tag' },
		]);
		const fields = { num_frames: 'many', url: 'https://example.com/' };
		expect((await readProblem(await v1.post(photoForm(fields, photo)))).detail).toMatch(/num_frames: .*url/s);
		for (const query of ['wait=61', 'wait=-1', 'wait=soon', 'what=1']) {
			const problem = await readProblem(await v1.fetch(`/${randomUUID()}?${query}`));
			expect(problem).toMatchObject({ status: 400, code: 'invalid_request' });
		}
		for (const query of ['limit=0', 'limit=101', 'status=done', 'cursor=abc']) {
			const problem = await readProblem(await v1.fetch(`?${query}`));
			expect(problem).toMatchObject({ status: 400, code: 'invalid_request' });
		}
	});

	it.each(['events', 'wait', 'meta', '1', 'a.b', `${randomUUID()}:logs`])('%j is no job', async (id) => {
		const problem = await readProblem(await v1.fetch(`/${encodeURIComponent(id)}`));
		expect(problem).toMatchObject({ status: 404, code: 'not_found' });
	});
});
