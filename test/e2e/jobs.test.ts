import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { uploadSchema, type WireJob } from '@facet/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { Clips } from '../support/clips.ts';
import { Facet } from '../support/facet.ts';
import { type GatedSource, startGatedSource } from '../support/gated-source.ts';
import { samplePhoto } from '../support/sample-photos.ts';
import { readProblem, V1Client } from '../support/v1.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

let photo: Buffer;
let img: string;

beforeAll(async () => {
	photo = await samplePhoto(1);
	img = photo.toString('base64');
});

/** What a form of these fields and this file looks like. */
function form(fields: Readonly<Record<string, string>>, file: Buffer): FormData {
	const body = new FormData();
	for (const [name, value] of Object.entries(fields)) body.append(name, value);
	body.append('file', new Blob([new Uint8Array(file)]), 'photo.jpg');
	return body;
}

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
		expect(await v1.cancel(body.id)).toEqual(canceled);
		const metrics = await (await fetch(`${facet.url}/metrics`)).text();
		expect(metrics).toMatch(/facet_queue_jobs\{[^}]*state="prioritized"[^}]*\} 0/);
	});

	it('a queued job that is deleted has never been', async () => {
		const { body } = await v1.submit(form({ tag: 'gone' }, photo));
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
		expect((await readProblem(await v1.post(form(fields, photo)))).detail).toMatch(/num_frames: .*url/s);
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

describe('with a worker', () => {
	let facet: Facet;
	let v1: V1Client;
	let gate: GatedSource;

	beforeAll(async () => {
		facet = await Facet.start(inject('redisUrl'), { WORKER_CONCURRENCY: '1' });
		v1 = new V1Client(facet.url);
		gate = await startGatedSource(photo);
	});

	afterEach(() => {
		gate.open();
		gate.shut();
	});

	afterAll(async () => {
		await gate?.close();
		await facet?.stop();
	});

	it('a job succeeds, with what the synchronous endpoint answers and the extras', async () => {
		const include = ['scores', 'track_ids', 'landmarks_68'];
		const { body: queued } = await v1.submit({ img, include, tag: 'photo' });
		const job = await v1.get(queued.id, 60);
		const { body: facade } = await facet.detect({ img });
		expect(job).toMatchObject({
			status: 'succeeded',
			tag: 'photo',
			include,
			attempts: 1,
			queue_position: null,
			created_at: queued.created_at,
			deadline: queued.deadline,
			error: null,
			result: {
				faces_obj: facade.faces_obj,
				persons: [],
				media: { kind: 'image', format: 'jpeg', width: 1920, height: 1280, bytes: photo.length },
				model: 'ultraface',
			},
		});
		const frame = job.result?.faces_obj['0'];
		expect(frame?.region).toHaveLength(3);
		expect(frame?.scores).toHaveLength(3);
		expect(frame?.track_ids).toEqual([null, null, null]);
		expect(frame?.landmarks_68?.[0]).toHaveLength(68);
		expect(frame).not.toHaveProperty('pose');
		for (const stage of ['queue', 'download', 'decode', 'detect', 'crop', 'upload'] as const) {
			expect(job.metrics?.[stage]).toBeGreaterThanOrEqual(0);
		}
		const times = [job.created_at, job.started_at, job.finished_at, job.expires_at].map((time) =>
			Date.parse(time ?? ''),
		);
		expect(times).toEqual([...times].sort((a, b) => a - b));
		expect(await v1.list({ tag: 'photo' })).toMatchObject({ data: [{ id: job.id, status: 'succeeded' }] });
	});

	it('Prefer: wait answers with the finished job, or with the job when it takes longer', async () => {
		const done = await v1.submit({ img }, { prefer: 'wait=55' });
		expect(done).toMatchObject({ status: 200, body: { status: 'succeeded' } });
		expect(done.headers.get('preference-applied')).toBe('wait=55');
		const { status, headers, body } = await v1.submit({ url: `${gate.url}/1` }, { prefer: 'wait=1' });
		expect(status).toBe(202);
		expect(headers.get('preference-applied')).toBe('wait=1');
		expect(['queued', 'processing']).toContain(body.status);
	});

	it('a job is processing while its source is slow, and a wait ends before it', async () => {
		const { body } = await v1.submit({ url: `${gate.url}/slow.jpg` });
		await expect.poll(async () => (await v1.get(body.id)).status, { timeout: 20_000 }).toBe('processing');
		const startedAt = performance.now();
		const waited = await v1.get(body.id, 1);
		expect(performance.now() - startedAt).toBeGreaterThanOrEqual(990);
		expect(waited).toMatchObject({ status: 'processing', attempts: 1, started_at: expect.any(String) });
		const ended = v1.get(body.id, 60);
		gate.open();
		expect(await ended).toMatchObject({ status: 'succeeded' });
	});

	it('a job fails, and says why', async () => {
		const { body } = await v1.submit({ img: photo.subarray(0, 3000).toString('base64') });
		expect(await v1.get(body.id, 60)).toMatchObject({
			status: 'failed',
			attempts: 1,
			result: null,
			metrics: null,
			error: { code: 'corrupt_media', message: 'Failed to process media', retryable: false },
		});
		expect(await facet.storedObjects()).toEqual([]);
		const response = await v1.fetch(`/${body.id}/cancel`, { method: 'POST' });
		expect(await readProblem(response)).toMatchObject({ status: 409, code: 'conflict', job_id: body.id });
	});

	it('a running job that is canceled has ended for everybody, and its worker goes on with others', async () => {
		const { body } = await v1.submit({ url: `${gate.url}/canceled.jpg` });
		await expect.poll(async () => (await v1.get(body.id)).status, { timeout: 20_000 }).toBe('processing');
		const waiting = v1.get(body.id, 30);
		expect(await v1.cancel(body.id)).toMatchObject({ status: 'canceled', attempts: 1 });
		expect(await waiting).toMatchObject({ status: 'canceled' });
		// The source is still shut: the only place that the worker has was given up.
		expect((await v1.submit({ img }, { prefer: 'wait=30' })).body.status).toBe('succeeded');
		expect(await v1.get(body.id)).toMatchObject({ status: 'canceled', error: { code: 'canceled' } });
	});

	it('a deadline ends jobs that run and jobs that wait', async () => {
		const running = await v1.submit({ url: `${gate.url}/1` }, { 'cancel-after': '6' });
		const waiting = await v1.submit({ img }, { 'cancel-after': '5s' });
		const lasts = Date.parse(running.body.deadline ?? '') - Date.parse(running.body.created_at);
		expect(lasts).toBeCloseTo(6000, -2);
		const [ended, expired] = await Promise.all([v1.get(running.body.id, 30), v1.get(waiting.body.id, 30)]);
		const error = { code: 'expired', retryable: false };
		expect(expired).toMatchObject({ status: 'expired', attempts: 0, started_at: null, error });
		expect(ended).toMatchObject({ status: 'expired', attempts: 1, error });
		await expect.poll(() => facet.storedObjects()).toEqual([]);
	});

	it('a form is as good as JSON', async () => {
		const fields = { include: '["scores"]', tag: '123', single_face: 'true', num_frames: '7' };
		const { body } = await v1.submit(form(fields, photo), { prefer: 'wait=55' });
		expect(body).toMatchObject({ status: 'succeeded', tag: '123', include: ['scores'] });
		const json = { img, include: ['scores'], single_face: true };
		const { body: same } = await v1.submit(json, { prefer: 'wait=55' });
		expect(body.result).toEqual(same.result);
		await expect.poll(() => facet.storedObjects()).toEqual([]);
		expect((await facet.temporaryFiles()).filter((name) => name.includes('facet-api'))).toEqual([]);
	});

	it('an upload serves several jobs', async () => {
		const made = await fetch(`${facet.url}/v1/uploads`, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: '{}',
		});
		const { upload_id, url, headers } = uploadSchema.parse(await made.json());
		await fetch(url, { method: 'PUT', headers, body: new Uint8Array(photo) });
		for (let use = 0; use < 2; use += 1) {
			const { body } = await v1.submit({ upload_id }, { prefer: 'wait=55' });
			expect(body.result?.faces_obj['0']?.region).toHaveLength(3);
		}
		// The store names it after its id.
		expect(await facet.storedObjects()).toEqual([`${upload_id}.bin`]);
	});

	it('a job that is deleted takes its crops along', async () => {
		const { body } = await v1.submit({ img, return_face_url: true }, { prefer: 'wait=55' });
		const [link = ''] = body.result?.faces_obj['0']?.face_urls ?? [];
		expect((await fetch(link ?? '')).status).toBe(200);
		await v1.delete(body.id);
		expect((await fetch(link ?? '')).status).toBe(404);
		expect((await facet.storedObjects()).filter((name) => name.endsWith('.jpg'))).toEqual([]);
		expect((await readProblem(await v1.fetch(`/${body.id}`))).code).toBe('not_found');
	});

	it('a running job that is deleted is gone at once, and leaves nothing behind', async () => {
		const { body } = await v1.submit({ url: `${gate.url}/deleted.jpg`, return_face_url: true });
		await expect.poll(async () => (await v1.get(body.id)).status, { timeout: 20_000 }).toBe('processing');
		await v1.delete(body.id);
		expect((await readProblem(await v1.fetch(`/${body.id}`))).code).toBe('not_found');
		gate.open();
		expect((await v1.submit({ img }, { prefer: 'wait=30' })).body.status).toBe('succeeded');
		expect((await facet.storedObjects()).filter((name) => name.endsWith('.jpg'))).toEqual([]);
	});
});

describe('a video', () => {
	it('that is canceled while its crops are stored keeps none of them', async () => {
		const facet = await Facet.start(inject('redisUrl'));
		const v1 = new V1Client(facet.url);
		const directory = await mkdtemp(join(tmpdir(), 'facet-test-clips-'));
		const clips = new Clips(directory);
		const video = await readFile(await clips.get('mp4-h264'));
		const fields = { num_frames: '50', return_face_url: 'true', include: '["track_ids","persons"]' };
		const { body } = await v1.submit(form(fields, video));
		const crops = async () => (await facet.storedObjects()).filter((name) => name.endsWith('.jpg')).length;
		await expect.poll(crops, { timeout: 50_000, interval: 10 }).toBeGreaterThan(0);
		const canceled: WireJob = await v1.cancel(body.id);
		expect(canceled.status).toBe('canceled');
		await expect.poll(() => facet.storedObjects(), { timeout: 10_000 }).toEqual([]);
		const left = async () => (await facet.temporaryFiles()).filter((name) => name.includes('job-'));
		await expect.poll(left, { timeout: 10_000 }).toEqual([]);
		expect((await v1.get(body.id)).status).toBe('canceled');
		await facet.stop();
		await rm(directory, { recursive: true });
	});
});

describe('results', () => {
	it('that have expired are 410, unlike what never was', async () => {
		const facet = await Facet.start(inject('redisUrl'), { RESULT_TTL_SECONDS: '2' });
		const v1 = new V1Client(facet.url);
		const [{ body: good }, { body: bad }] = await Promise.all([
			v1.submit({ img }, { prefer: 'wait=55', 'idempotency-key': 'expires' }),
			v1.submit({ img: 'AAAA' }, { prefer: 'wait=55' }),
		]);
		expect([good.status, bad.status]).toEqual(['succeeded', 'failed']);
		for (const id of [bad.id, good.id]) {
			await expect
				.poll(async () => (await v1.fetch(`/${id}`)).status, { timeout: 10_000, interval: 100 })
				.toBe(410);
		}
		const problem = await readProblem(await v1.fetch(`/${good.id}`));
		expect(problem).toMatchObject({ code: 'gone', retryable: false });
		expect((await readProblem(await v1.post({ img }, { 'idempotency-key': 'expires' }))).code).toBe('gone');
		expect((await readProblem(await v1.fetch(`/${good.id}`, { method: 'DELETE' }))).code).toBe('gone');
		expect((await v1.fetch(`/${randomUUID()}`)).status).toBe(404);
		expect((await v1.list()).data).toEqual([]);
		await facet.stop();
	});
});
