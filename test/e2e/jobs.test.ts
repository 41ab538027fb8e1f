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
import { photoForm, readProblem, V1Client } from '../support/v1.ts';

let photo: Buffer;
let img: string;

beforeAll(async () => {
	photo = await samplePhoto(1);
	img = photo.toString('base64');
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

	it('stores the 68 landmarks only of jobs that want them', async () => {
		const submit = async (include: string[]) =>
			(await v1.submit({ img, include }, { prefer: 'wait=55' })).body.id;
		const [without, all] = [await submit(['scores', 'pose']), await submit(['landmarks_68'])];
		const facesOf = async (id: string) => (await facet.outcome(id))?.result.frames[0]?.faces ?? [];
		expect(await facesOf(without)).toHaveLength(3);
		for (const face of await facesOf(without)) expect(face).not.toHaveProperty('landmarks68');
		for (const { landmarks68 } of await facesOf(all)) expect(landmarks68).toHaveLength(68);
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
		const { body } = await v1.submit(photoForm(fields, photo), { prefer: 'wait=55' });
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
		expect(await facet.storedObjects()).toEqual([`uploads/open/${upload_id}.bin`]);
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
		const { body } = await v1.submit(photoForm(fields, video));
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
