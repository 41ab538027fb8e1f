import { randomUUID } from 'node:crypto';
import type { WireJob } from '@facet/contracts';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Answer, Facet } from '../support/facet.ts';
import { type GatedSource, startGatedSource } from '../support/gated-source.ts';
import { samplePhoto } from '../support/sample-photos.ts';
import { type Answered, readProblem, V1Client } from '../support/v1.ts';

let photo: Buffer;
let img: string;

beforeAll(async () => {
	photo = await samplePhoto(1);
	img = photo.toString('base64');
});

function form(tag: string): FormData {
	const body = new FormData();
	body.append('file', new Blob([new Uint8Array(photo)]), 'photo.jpg');
	body.append('tag', tag);
	return body;
}

const isReplay = ({ headers }: Answered<WireJob>) => headers.get('idempotent-replayed') === 'true';
const isShared = ({ headers }: Answered<WireJob>) => headers.get('facet-deduplicated') === 'true';

describe('an idempotency key', () => {
	let facet: Facet;
	let v1: V1Client;
	let redis: Redis;

	beforeAll(async () => {
		facet = await Facet.start(inject('redisUrl'), {}, 0);
		v1 = new V1Client(facet.url);
		redis = new Redis(inject('redisUrl'));
	});

	afterAll(async () => {
		redis?.disconnect();
		await facet?.stop();
	});

	it('gives the same job for the same request, as it is by then', async () => {
		const key = { 'idempotency-key': 'a key: of 64 characters' };
		const first = await v1.submit({ img, tag: 'one' }, key);
		expect([first.status, isReplay(first)]).toEqual([202, false]);
		// The order of the fields and what the client would wait for are no part of the request.
		const second = await v1.submit({ tag: 'one', img, num_frames: 5 }, { ...key, prefer: 'wait=0' });
		expect([second.status, isReplay(second), second.body]).toEqual([202, true, first.body]);
		await v1.cancel(first.body.id);
		const third = await v1.submit({ img, tag: 'one' }, key);
		expect([third.status, isReplay(third), third.body.status]).toEqual([200, true, 'canceled']);
		expect(await facet.storedObjects()).toEqual([]);
	});

	it.each<[string, object, Record<string, string>]>([
		['other media', { img: 'AAAA' }, {}],
		['another option', { img: 'AAAB', single_face: true }, {}],
		['another extra', { img: 'AAAB', include: ['scores'] }, {}],
		['another tag', { img: 'AAAB', tag: 'other' }, {}],
		['another priority', { img: 'AAAB', priority: 'low' }, {}],
		['another deadline', { img: 'AAAB' }, { 'cancel-after': '1h' }],
	])('refuses %s', async (_, body, headers) => {
		const key = { 'idempotency-key': randomUUID() };
		await v1.submit({ img: 'AAAB' }, key);
		const problem = await readProblem(await v1.post(body, { ...key, ...headers }));
		expect(problem).toMatchObject({ status: 422, code: 'idempotency_mismatch', retryable: false });
	});

	it('gives one job to requests at the same time, of JSON and of forms', async () => {
		const tag = randomUUID();
		for (const body of [{ img, tag }, form(tag)]) {
			const key = { 'idempotency-key': randomUUID() };
			const answers = await Promise.all(Array.from({ length: 12 }, () => v1.submit(body, key)));
			expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
			expect(answers.filter(isReplay)).toHaveLength(11);
		}
		// The same bytes with the same fields are the same request, in whatever form.
		const key = { 'idempotency-key': randomUUID() };
		const json = await v1.submit({ img, tag }, key);
		expect((await v1.submit(form(tag), key)).body.id).toBe(json.body.id);
		expect((await v1.list({ tag })).data).toHaveLength(3);
		const stored = (await facet.storedObjects()).length;
		for (const { id } of (await v1.list({ tag })).data) await v1.delete(id);
		expect(stored - (await facet.storedObjects()).length).toBe(3);
	});

	it('is free again after a request that was refused', async () => {
		const key = { 'idempotency-key': randomUUID() };
		const upload_id = `upl_${'x'.repeat(22)}`;
		expect((await v1.post({ upload_id }, key)).status).toBe(400);
		expect(isReplay(await v1.submit({ img: 'AAAA' }, key))).toBe(false);
	});

	it('of a request that died before its job was added gives the job that it was to be', async () => {
		const text = randomUUID();
		const key = { 'idempotency-key': text };
		await v1.submit({ img, tag: 'dead' }, key);
		// As the process leaves it that claims the key and dies.
		const id = randomUUID();
		const claim = `${facet.prefix}:idempotency:open:${text}`;
		await redis.hset(claim, { id, state: 'open', leaseUntil: Date.now() + 1000 });
		const answers = await Promise.all([1, 2, 3].map(() => v1.submit({ img, tag: 'dead' }, key)));
		expect(answers.map(({ body }) => body.id)).toEqual([id, id, id]);
		expect(answers.filter(isReplay)).toHaveLength(2);
		expect((await v1.list({ tag: 'dead' })).data).toHaveLength(2);
	});

	it('of a request that died after its job was added gives that job', async () => {
		const text = randomUUID();
		const key = { 'idempotency-key': text };
		const { body } = await v1.submit({ img }, key);
		await redis.hset(`${facet.prefix}:idempotency:open:${text}`, { state: 'open', leaseUntil: 0 });
		const again = await v1.submit({ img }, key);
		expect([isReplay(again), again.body.id]).toEqual([true, body.id]);
	});

	it('is kept for a day', async () => {
		const text = randomUUID();
		await v1.submit({ img: 'AAAA' }, { 'idempotency-key': text });
		const seconds = await redis.ttl(`${facet.prefix}:idempotency:open:${text}`);
		expect(seconds).toBeGreaterThan(86_000);
		expect(seconds).toBeLessThanOrEqual(86_400);
	});

	it('counts its job once among those in flight', async () => {
		const { key } = await facet.callers.create('Limited', { maxJobsInFlight: 2 });
		const limited = new V1Client(facet.url, { 'x-api-key': key });
		const headers = { 'idempotency-key': 'same' };
		const [first] = await Promise.all(Array.from({ length: 6 }, () => limited.submit({ img }, headers)));
		await limited.submit({ img });
		const problem = await readProblem(await limited.post({ img }, { 'idempotency-key': 'other' }));
		expect(problem).toMatchObject({ status: 429, code: 'too_many_jobs' });
		await limited.cancel(first?.body.id ?? '');
		expect((await limited.submit({ img }, { 'idempotency-key': 'other' })).status).toBe(202);
	});
});

describe('dedupe', () => {
	let facet: Facet;
	let v1: V1Client;
	let source: GatedSource;

	beforeAll(async () => {
		source = await startGatedSource(photo);
		facet = await Facet.start(inject('redisUrl'));
		v1 = new V1Client(facet.url);
	});

	afterAll(async () => {
		await source?.close();
		await facet?.stop();
	});

	it('shares an unfinished job of the same media and options, and no other', async () => {
		const url = `${source.url}/shared.jpg`;
		const first = await v1.submit({ url, tag: 'first' });
		expect(isShared(first)).toBe(false);
		const same = await v1.submit({ url, dedupe: true });
		expect([same.status, isShared(same), same.body.id]).toEqual([202, true, first.body.id]);
		for (const other of [
			{ url },
			{ url: `${url}?2`, dedupe: true },
			{ url, dedupe: true, include: ['scores'] },
			{ url, dedupe: true, single_face: true },
			{ url, dedupe: true, num_frames: 6 },
		]) {
			const answer = await v1.submit(other);
			expect([isShared(answer), answer.body.id !== first.body.id]).toEqual([false, true]);
			await v1.delete(answer.body.id);
		}
		source.open();
		expect((await v1.get(first.body.id, 60)).status).toBe('succeeded');
		const later = await v1.submit({ url, dedupe: true }, { prefer: 'wait=50' });
		expect([later.status, isShared(later), later.body.id === first.body.id]).toEqual([200, false, false]);
		source.shut();
	});

	it('knows the same bytes as base64 and as a file', async () => {
		const blockers = await Promise.all(
			[1, 2, 3, 4].map((number) => v1.submit({ url: `${source.url}/blocker-${number}.jpg` })),
		);
		const body = form('bytes');
		body.append('dedupe', 'true');
		const first = await v1.submit({ img, dedupe: true });
		const second = await v1.submit(body);
		expect([isShared(second), second.body.id]).toEqual([true, first.body.id]);
		await v1.cancel(first.body.id);
		const third = await v1.submit({ img, dedupe: true });
		expect([isShared(third), third.body.id === first.body.id]).toEqual([false, false]);
		source.open();
		for (const { body: blocker } of blockers) await v1.get(blocker.id, 60);
		expect((await v1.get(third.body.id, 60)).status).toBe('succeeded');
		source.shut();
	});

	it('gives one job to requests at the same time', async () => {
		const url = `${source.url}/once.jpg`;
		const answers = await Promise.all(Array.from({ length: 12 }, () => v1.submit({ url, dedupe: true })));
		expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
		expect(answers.filter(isShared)).toHaveLength(11);
		source.open();
		expect((await v1.get(answers[0]?.body.id ?? '', 60)).status).toBe('succeeded');
		source.shut();
	});
});

describe('the synchronous endpoint', () => {
	let facet: Facet;
	let v1: V1Client;
	let source: GatedSource;

	beforeAll(async () => {
		source = await startGatedSource(photo);
		facet = await Facet.start(inject('redisUrl'), { SYNC_TIMEOUT_MS: '1500' });
		v1 = new V1Client(facet.url);
	});

	afterAll(async () => {
		await source?.close();
		await facet?.stop();
	});

	const jobIdOf = ({ headers }: Answer) => headers.get('x-job-id');
	const facesOf = ({ body }: Answer) => body.faces_obj['0']?.region.length;

	it('gives an identical request the job that runs on after a 504', async () => {
		const request = { url: `${source.url}/slow.jpg`, num_frames: 3 };
		const first = await facet.detect(request);
		expect([first.status, first.body.error.code]).toEqual([504, 'wait_timeout']);
		const second = await facet.detect(request);
		expect([second.status, jobIdOf(second)]).toEqual([504, jobIdOf(first)]);
		expect(jobIdOf(await facet.detect({ ...request, num_frames: 4 }))).not.toBe(jobIdOf(first));
		// Its caller finds it among the jobs of /v1, too.
		const id = jobIdOf(first) ?? '';
		expect((await v1.list()).data.map((job) => job.id)).toContain(id);
		const third = facet.detect(request);
		source.open();
		expect(facesOf(await third)).toBe(3);
		expect(jobIdOf(await third)).toBe(id);
		// What has ended is not shared.
		expect(jobIdOf(await facet.detect(request))).not.toBe(id);
		source.shut();
	});

	it('gives an identical request the job of a client that has gone away', async () => {
		const request = { url: `${source.url}/left.jpg` };
		const left = new AbortController();
		const aborted = fetch(`${facet.url}/detect_faces`, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify(request),
			signal: left.signal,
		});
		const ended = expect(aborted).rejects.toThrow();
		// One request for the job of another test may come before.
		await expect
			.poll(async () => (await fetch(`${facet.url}/metrics`)).text())
			.toMatch(/facet_http_waiting\{[^}]*\} 1/);
		left.abort();
		await ended;
		const listed = async () => (await v1.list()).data.filter(({ status }) => status === 'processing');
		await expect.poll(async () => (await listed()).length, { timeout: 5000 }).toBe(1);
		const [job] = await listed();
		const again = facet.detect(request);
		source.open();
		expect([jobIdOf(await again), facesOf(await again)]).toEqual([job?.id, 3]);
		source.shut();
	});

	it('Prefer: wait=N shortens the wait, and does not prolong it', async () => {
		const startedAt = performance.now();
		const answer = await facet.detect({ url: `${source.url}/wait.jpg` }, { prefer: 'wait=0' });
		expect([answer.status, answer.headers.get('preference-applied')]).toEqual([504, 'wait=0']);
		expect(performance.now() - startedAt).toBeLessThan(1400);
		const longer = await facet.detect({ url: `${source.url}/wait.jpg` }, { prefer: 'wait=600' });
		expect([longer.status, longer.headers.get('preference-applied')]).toEqual([504, null]);
		source.open();
		await v1.get(jobIdOf(answer) ?? '', 60);
		source.shut();
	});

	it('Prefer: respond-async gives the job at once, as /v1 shows it', async () => {
		const url = `${source.url}/async.jpg`;
		const answer = await facet.detect({ url }, { prefer: 'respond-async' });
		const id = jobIdOf(answer) ?? '';
		expect(answer.status).toBe(202);
		expect(answer.headers.get('location')).toBe(`/v1/jobs/${id}`);
		expect(answer.headers.get('preference-applied')).toBe('respond-async');
		expect(answer.body).toMatchObject({ id, status: 'queued', result: null });
		expect((await v1.list()).data.map((job) => job.id)).toContain(id);
		source.open();
		expect(await v1.get(id, 60)).toMatchObject({ status: 'succeeded', include: [] });
		const patient = await facet.detect({ url }, { prefer: 'respond-async, wait=1' });
		expect([patient.status, facesOf(patient)]).toEqual([200, 3]);
		expect(patient.headers.get('preference-applied')).toBe('respond-async, wait=1');
		source.shut();
	});

	it('says in its own words that a job was canceled', async () => {
		const request = { url: `${source.url}/canceled.jpg` };
		const id = jobIdOf(await facet.detect(request)) ?? '';
		const waiting = facet.detect(request);
		await expect
			.poll(async () => (await fetch(`${facet.url}/metrics`)).text())
			.toMatch(/facet_http_waiting\{[^}]*\} 1/);
		await v1.cancel(id);
		const { status, body } = await waiting;
		expect(status).toBe(409);
		expect(body).toMatchObject({
			error_code: 1,
			error_msg: 'The job was canceled',
			faces_obj: {},
			error: { code: 'canceled', retryable: false, job_id: id },
		});
	});
});
