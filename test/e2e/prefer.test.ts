import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Answer, Facet } from '../support/facet.ts';
import { type GatedSource, startGatedSource } from '../support/gated-source.ts';
import { samplePhoto } from '../support/sample-photos.ts';
import { V1Client } from '../support/v1.ts';

describe('the synchronous endpoint', () => {
	let facet: Facet;
	let v1: V1Client;
	let source: GatedSource;

	beforeAll(async () => {
		source = await startGatedSource(await samplePhoto(1));
		facet = await Facet.start(inject('redisUrl'), { SYNC_TIMEOUT_MS: '6000' });
		v1 = new V1Client(facet.url);
	});

	afterAll(async () => {
		await source?.close();
		await facet?.stop();
	});

	/** Resolves when so many requests wait for a job. */
	async function untilWaiting(count = 1): Promise<void> {
		const waiting = new RegExp(`facet_http_waiting\\{[^}]*\\} ${count}`);
		await expect
			.poll(async () => (await fetch(`${facet.url}/metrics`)).text(), { timeout: 5000 })
			.toMatch(waiting);
	}

	const jobIdOf = ({ headers }: Answer) => headers.get('x-job-id');
	const facesOf = ({ body }: Answer) => body.faces_obj['0']?.region.length;

	it('gives an identical request the job that runs on after a 504', async () => {
		const request = { url: `${source.url}/slow.jpg`, num_frames: 3 };
		const first = await facet.detect(request);
		expect([first.status, first.body.error.code]).toEqual([504, 'wait_timeout']);
		const second = await facet.detect(request, { prefer: 'wait=0' });
		expect([second.status, jobIdOf(second)]).toEqual([504, jobIdOf(first)]);
		const other = await facet.detect({ ...request, num_frames: 4 }, { prefer: 'wait=0' });
		expect(jobIdOf(other)).not.toBe(jobIdOf(first));
		// Its caller finds it among the jobs of /v1, too.
		const id = jobIdOf(first) ?? '';
		expect((await v1.list()).data.map((job) => job.id)).toContain(id);
		const third = facet.detect(request);
		await untilWaiting();
		source.open();
		expect(facesOf(await third)).toBe(3);
		expect(jobIdOf(await third)).toBe(id);
		// What has ended is not shared.
		expect(jobIdOf(await facet.detect(request))).not.toBe(id);
		await v1.get(jobIdOf(other) ?? '', 60);
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
		await untilWaiting();
		left.abort();
		await ended;
		const listed = async () => (await v1.list()).data.filter(({ status }) => status === 'processing');
		await expect.poll(async () => (await listed()).length, { timeout: 5000 }).toBe(1);
		const [job] = await listed();
		// The one that was left still counts.
		const again = facet.detect(request);
		await untilWaiting(2);
		source.open();
		expect([jobIdOf(await again), facesOf(await again)]).toEqual([job?.id, 3]);
		source.shut();
	});

	it('Prefer: wait=N shortens the wait, and does not prolong it', async () => {
		const startedAt = performance.now();
		const answer = await facet.detect({ url: `${source.url}/wait.jpg` }, { prefer: 'wait=0' });
		expect([answer.status, answer.headers.get('preference-applied')]).toEqual([504, 'wait=0']);
		expect(performance.now() - startedAt).toBeLessThan(5000);
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
		const patient = await facet.detect({ url }, { prefer: 'respond-async, wait=6' });
		expect([patient.status, facesOf(patient)]).toEqual([200, 3]);
		expect(patient.headers.get('preference-applied')).toBe('respond-async, wait=6');
		source.shut();
	});

	it('says in its own words that a job was canceled', async () => {
		const request = { url: `${source.url}/canceled.jpg` };
		const id = jobIdOf(await facet.detect(request, { prefer: 'wait=0' })) ?? '';
		const waiting = facet.detect(request);
		await untilWaiting();
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
