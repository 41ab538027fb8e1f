import { afterEach, describe, expect, inject, it } from 'vitest';
import { Facet } from '../support/facet.ts';
import { type GatedSource, startGatedSource } from '../support/gated-source.ts';
import { type OwnRedis, startOwnRedis } from '../support/redis.ts';
import { samplePhoto } from '../support/sample-photos.ts';

const cleanUp: (() => Promise<unknown>)[] = [];

afterEach(async () => {
	for (const step of cleanUp.splice(0).reverse()) await step();
});

async function startFacet(...options: Parameters<typeof Facet.start>): Promise<Facet> {
	const facet = await Facet.start(...options);
	cleanUp.push(() => facet.stop());
	return facet;
}

async function startRedis(): Promise<OwnRedis> {
	const redis = await startOwnRedis();
	cleanUp.push(() => redis.stop());
	return redis;
}

async function startGate(): Promise<GatedSource> {
	const gate = await startGatedSource(await samplePhoto(1));
	cleanUp.push(() => gate.close());
	return gate;
}

const metricsOf = async (facet: Facet) => (await fetch(`${facet.url}/metrics`)).text();
const facesOf = ({ body }: Awaited<ReturnType<Facet['detect']>>) => body.faces_obj['0']?.region.length;

describe('a worker', () => {
	it('killed in the middle of a job: the waiting client is answered by another', async () => {
		const facet = await startFacet(inject('redisUrl'), {}, 0);
		const gate = await startGate();
		const doomed = await facet.startWorker();
		const answer = facet.detect({ url: `${gate.url}/photo.jpg`, return_face_url: true });
		await gate.arrived(1);
		await doomed.end('SIGKILL');
		gate.open();
		const survivor = await facet.startWorker();
		expect(facesOf(await answer)).toBe(3);
		expect((await answer).status).toBe(200);
		expect(survivor.lines.some(({ msg }) => msg === 'queue: job stalled, runs again')).toBe(true);
		// What the dead worker had on the disk went when the next one started.
		expect((await facet.temporaryFiles()).filter((name) => name.includes('job-'))).toEqual([]);
	});

	// Four starts of a worker are within the wait of one request: more than its default on a busy machine.
	it('killed on the same job three times: the job fails as worker_lost', { timeout: 150_000 }, async () => {
		const patience = { JOB_LOCK_MS: '1000', SYNC_TIMEOUT_MS: '120000' };
		const facet = await startFacet(inject('redisUrl'), patience, 0);
		const gate = await startGate();
		const answer = facet.detect({ url: `${gate.url}/poison.jpg` });
		for (let death = 1; death <= 3; death += 1) {
			const doomed = await facet.startWorker();
			await gate.arrived(death);
			await doomed.end('SIGKILL');
		}
		gate.open();
		await facet.startWorker();
		const { status, body } = await answer;
		expect(body).toMatchObject({ error_code: 1, error: { code: 'worker_lost' }, faces_obj: {} });
		expect(status).toBe(500);
		const next = await facet.detect({ url: `${gate.url}/photo.jpg` });
		expect(facesOf(next)).toBe(3);
	});

	it('told to stop: finishes what it holds, takes no more, and leaves no file', async () => {
		const facet = await startFacet(inject('redisUrl'), {}, 0);
		const gate = await startGate();
		const worker = await facet.startWorker();
		const held = facet.detect({ url: `${gate.url}/photo.jpg` });
		await gate.arrived(1);
		const ended = worker.end('SIGTERM');
		await worker.logged('stopping');
		const waiting = facet.detect({ url: `${gate.url}/other.jpg` });
		gate.open();
		expect(facesOf(await held)).toBe(3);
		expect(await ended).toBe(0);
		expect(await facet.temporaryFiles()).toEqual([]);
		await facet.startWorker();
		expect(facesOf(await waiting)).toBe(3);
	});

	it('told to stop, with a job that takes too long: hands it back to another', async () => {
		const facet = await startFacet(inject('redisUrl'), {}, 0);
		const gate = await startGate();
		const worker = await facet.startWorker({ SHUTDOWN_TIMEOUT_MS: '300' });
		const answer = facet.detect({ url: `${gate.url}/photo.jpg` });
		await gate.arrived(1);
		expect(await worker.end('SIGTERM')).toBe(0);
		expect(worker.lines.some(({ msg }) => String(msg).includes('handed back'))).toBe(true);
		gate.open();
		await facet.startWorker();
		expect(facesOf(await answer)).toBe(3);
	});
});

describe('the API', () => {
	it('answers 504 when the wait is over, while the job runs on', async () => {
		const facet = await startFacet(inject('redisUrl'), { SYNC_TIMEOUT_MS: '500' });
		const gate = await startGate();
		const { status, headers, body } = await facet.detect({ url: `${gate.url}/photo.jpg` });
		expect(status).toBe(504);
		expect(body).toMatchObject({
			error_code: 1,
			faces_obj: {},
			error: { code: 'wait_timeout', retryable: true },
		});
		const jobId = headers.get('x-job-id');
		expect(body.error.job_id).toBe(jobId);
		gate.open();
		await expect.poll(() => facet.logs, { timeout: 10_000 }).toContain('"msg":"job done"');
		expect(facet.logs).toMatch(new RegExp(`"jobId":"${jobId}"[^\\n]*"msg":"job done"`));
	});

	it('answers 429 with Retry-After when the queue is full', async () => {
		const facet = await startFacet(inject('redisUrl'), { MAX_QUEUE_DEPTH: '2' }, 0);
		const img = (await samplePhoto(1)).toString('base64');
		const first = [facet.detect({ img }), facet.detect({ img })];
		await expect.poll(() => metricsOf(facet)).toMatch(/facet_queue_jobs\{[^}]*state="prioritized"[^}]*\} 2/);
		const refused = await facet.detect({ img });
		expect(refused.body).toMatchObject({ error_code: 1, error: { code: 'queue_full', retryable: true } });
		expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
		await facet.startWorker();
		expect((await Promise.all(first)).map(facesOf)).toEqual([3, 3]);
		expect(facesOf(await facet.detect({ img }))).toBe(3);
	});

	it('told to stop: answers what waits, accepts no more, exits with 0', async () => {
		const facet = await startFacet(inject('redisUrl'), {}, 1);
		const gate = await startGate();
		const api = await facet.startApi();
		const answer = facet.detect({ url: `${gate.url}/photo.jpg` });
		await gate.arrived(1);
		const ended = api.end('SIGTERM');
		await api.logged('stopping');
		await expect(fetch(`${facet.url}/healthz`)).rejects.toThrow();
		gate.open();
		expect(facesOf(await answer)).toBe(3);
		expect(await ended).toBe(0);
	});

	it('told to stop, with a job that takes too long: answers 503', async () => {
		const facet = await startFacet(inject('redisUrl'), { SHUTDOWN_TIMEOUT_MS: '300' }, 1);
		const gate = await startGate();
		const api = await facet.startApi();
		const answer = facet.detect({ url: `${gate.url}/photo.jpg` });
		await gate.arrived(1);
		expect(await api.end('SIGTERM')).toBe(0);
		const { status, body } = await answer;
		expect(status).toBe(503);
		expect(body.error).toMatchObject({ code: 'shutting_down', job_id: expect.any(String) });
		gate.open();
	});

	it('is ready only while it can work', async () => {
		const redis = await startRedis();
		const facet = await startFacet(redis.url, {}, 0);
		const ready = async () => (await fetch(`${facet.url}/readyz`)).status;
		await expect.poll(ready).toBe(200);
		await redis.down();
		expect(await ready()).toBe(503);
		expect((await fetch(`${facet.url}/healthz`)).status).toBe(200);
		await redis.up();
		await expect.poll(ready, { timeout: 10_000 }).toBe(200);
	});
});

describe('Redis', () => {
	it('stopped and started again: 503 meanwhile, right answers after, no job lost', async () => {
		const redis = await startRedis();
		const facet = await startFacet(redis.url, { WORKER_CONCURRENCY: '2' }, 2);
		const gate = await startGate();
		const img = (await samplePhoto(2)).toString('base64');
		expect(facesOf(await facet.detect({ img }))).toBe(3);

		// Jobs that run, and jobs that wait, at the moment when Redis goes; none that is only about to be added.
		const accepted = Array.from({ length: 8 }, () => facet.detect({ url: `${gate.url}/photo.jpg` }));
		await gate.arrived(4);
		await expect.poll(() => metricsOf(facet)).toMatch(/facet_queue_jobs\{[^}]*state="prioritized"[^}]*\} 4/);
		await redis.down();
		for (let attempt = 0; attempt < 3; attempt += 1) {
			const { status, headers, body } = await facet.detect({ img });
			expect(body).toMatchObject({
				error_code: 1,
				error_msg: 'Job queue unavailable',
				error: { code: 'queue_unavailable', retryable: true },
			});
			expect(status).toBe(503);
			expect(headers.get('retry-after')).not.toBeNull();
		}
		gate.open();
		await redis.up();
		for (const answer of await Promise.all(accepted)) {
			expect(answer.status, JSON.stringify(answer.body)).toBe(200);
			expect(facesOf(answer)).toBe(3);
		}
		await expect.poll(async () => (await facet.detect({ img })).status, { timeout: 10_000 }).toBe(200);
	});

	it('away when the processes are told to stop: they end all the same', async () => {
		const redis = await startRedis();
		const facet = await startFacet(redis.url, { SHUTDOWN_TIMEOUT_MS: '500' }, 0);
		const worker = await facet.startWorker();
		const api = await facet.startApi();
		await redis.down();
		await worker.logged('redis: connection lost');
		await api.logged('redis: connection lost');
		expect(await Promise.all([worker.end('SIGTERM'), api.end('SIGTERM')])).toEqual([0, 0]);
		expect(await facet.temporaryFiles()).toEqual([]);
	});

	it('not there when the service starts: 503, and right answers once it is there', async () => {
		const redis = await startRedis();
		await redis.down();
		const facet = await startFacet(redis.url, {}, 0);
		const img = (await samplePhoto(1)).toString('base64');
		expect((await facet.detect({ img })).status).toBe(503);
		await redis.up();
		await facet.startWorker();
		await expect.poll(async () => (await facet.detect({ img })).status, { timeout: 10_000 }).toBe(200);
	});
});

describe('operations', () => {
	it('both processes answer /healthz, /readyz and /metrics', async () => {
		const facet = await startFacet(inject('redisUrl'), {}, 0);
		const worker = await facet.startWorker();
		const { port } = await worker.logged('worker: ready');
		await facet.detect({ img: (await samplePhoto(1)).toString('base64'), return_face_url: true });
		for (const base of [facet.url, `http://127.0.0.1:${port}`]) {
			expect(await (await fetch(`${base}/healthz`)).json()).toEqual({ status: 'ok' });
			expect(await (await fetch(`${base}/readyz`)).json()).toMatchObject({ status: 'ready' });
		}
		const apiMetrics = await metricsOf(facet);
		expect(apiMetrics).toMatch(/facet_http_request_seconds_count\{[^}]*status="200"[^}]*\} 1/);
		expect(apiMetrics).toMatch(/facet_queue_jobs\{[^}]*state="completed"[^}]*\} 1/);
		const workerMetrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
		expect(workerMetrics).toMatch(/facet_jobs_total\{[^}]*outcome="succeeded"[^}]*\} 1/);
		expect(workerMetrics).toMatch(/facet_faces_total\{[^}]*\} 3/);
		expect(workerMetrics).toMatch(/facet_job_stage_seconds_count\{[^}]*stage="detect"[^}]*\} 1/);
	});

	it('a second worker on the machine takes another port', async () => {
		const facet = await startFacet(inject('redisUrl'), {}, 0);
		const first = await facet.startWorker();
		const { port } = await first.logged('worker: ready');
		const second = await facet.startWorker({ WORKER_PORT: String(port) });
		expect((await second.logged('worker: ready')).port).not.toBe(port);
	});
});
