import { randomUUID } from 'node:crypto';
import type { WireJob } from '@facet/contracts';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Facet } from '../support/facet.ts';
import { type GatedSource, startGatedSource } from '../support/gated-source.ts';
import { samplePhoto } from '../support/sample-photos.ts';
import { type Answered, photoForm, readProblem, V1Client } from '../support/v1.ts';

let photo: Buffer;
let img: string;

beforeAll(async () => {
	photo = await samplePhoto(1);
	img = photo.toString('base64');
});

const form = (tag: string) => photoForm({ tag }, photo);
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
		// Fewer than the blockers of a test.
		facet = await Facet.start(inject('redisUrl'), { WORKER_CONCURRENCY: '3' });
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
