import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WireJob } from '@facet/contracts';
import sharp from 'sharp';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { Clips } from '../support/clips.ts';
import { Facet } from '../support/facet.ts';
import { startGatedSource } from '../support/gated-source.ts';
import { startHttpServer } from '../support/http-server.ts';
import { samplePhoto } from '../support/sample-photos.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import { V1Client } from '../support/v1.ts';
import { inferencePidOf, isRunning, metricOf } from '../support/worker-processes.ts';

const TIMEOUT_MS = 180_000;
const WAIT_SECONDS = 60;
const SECRET = 'secret-of-the-worker';

const cleanUp: (() => Promise<unknown>)[] = [];

afterEach(async () => {
	for (const step of cleanUp.splice(0).reverse()) await step();
}, TIMEOUT_MS);

async function startFacet(environment: Record<string, string> = {}) {
	// A lock that no busy machine loses, so that whatever runs again does so for what the test has done.
	const facet = await Facet.start(inject('redisUrl'), { JOB_LOCK_MS: '60000', ...environment }, 0);
	cleanUp.push(() => facet.stop());
	return { facet, v1: new V1Client(facet.url), worker: await facet.startWorker() };
}

/** A host of one file. */
async function serve(file: Buffer): Promise<string> {
	const server = await startHttpServer((_request, response) => void response.end(file));
	cleanUp.push(() => server.close());
	return `${server.url}/file`;
}

async function serveClip(): Promise<string> {
	const directory = await mkdtemp(join(tmpdir(), 'facet-test-'));
	try {
		return await serve(await readFile(await new Clips(directory).get('mp4-one-frame')));
	} finally {
		await rm(directory, { recursive: true, force: true });
	}
}

async function startGate() {
	const gate = await startGatedSource(await samplePhoto(1));
	cleanUp.push(() => gate.close());
	return gate;
}

/** The job at its end, whenever that is. */
async function atEnd(v1: V1Client, id: string): Promise<WireJob> {
	for (;;) {
		const job = await v1.get(id, WAIT_SECONDS);
		if (job.finished_at !== null) return job;
	}
}

const tasks = (worker: ServiceProcess, state: 'running' | 'queued') =>
	metricOf(worker, 'facet_inference_tasks', `state="${state}"`);

describe('the process that decodes and infers', { timeout: TIMEOUT_MS }, () => {
	it('crashes with jobs in hand: all succeed in their first attempt, and the worker is the same', async () => {
		const { v1, worker } = await startFacet({ WORKER_CONCURRENCY: '4' });
		const crashed = inferencePidOf(worker);
		const [photo, clip] = await Promise.all([samplePhoto(1).then(serve), serveClip()]);
		process.kill(crashed, 'SIGSTOP');
		const sources = [photo, photo, photo, clip];
		const jobs = await Promise.all(sources.map((url) => v1.submit({ url, return_face_url: true })));
		await expect.poll(() => tasks(worker, 'running'), { timeout: TIMEOUT_MS }).toBe(3);
		await expect.poll(() => tasks(worker, 'queued'), { timeout: TIMEOUT_MS }).toBe(1);
		for (const signal of ['SIGSEGV', 'SIGCONT'] as const) process.kill(crashed, signal);

		for (const { body } of jobs)
			expect(await atEnd(v1, body.id)).toMatchObject({ status: 'succeeded', attempts: 1 });
		expect(inferencePidOf(worker)).not.toBe(crashed);
		expect(worker.lines.filter(({ msg }) => msg === 'job failed')).toEqual([]);
		expect(await metricOf(worker, 'facet_inference_restarts_total')).toBe(1);
		expect(await metricOf(worker, 'facet_inference_resident_memory_bytes')).toBeGreaterThan(50e6);
		expect(await worker.end()).toBe(0);
	});

	it('crashes whenever it has one job: that one ends as worker_lost, the others go on', async () => {
		const { v1, worker } = await startFacet({ JOB_ATTEMPTS: '3', DOWNLOAD_IDLE_TIMEOUT_MS: '120000' });
		// Seconds of decoding, so that it is caught at it.
		const large = sharp({ create: { width: 9000, height: 9000, channels: 3, background: '#321' } });
		const url = await serve(await large.png().toBuffer());
		const gate = await startGate();
		const held = await v1.submit({ url: `${gate.url}/held.jpg` });
		await gate.arrived(1);
		const poison = await v1.submit({ url });
		let isOver = false;
		const end = atEnd(v1, poison.body.id).finally(() => {
			isOver = true;
		});
		while (!isOver) {
			if ((await tasks(worker, 'running')) === 0) continue;
			const pid = inferencePidOf(worker);
			if (await isRunning(pid)) process.kill(pid, 'SIGSEGV');
		}
		expect(await end).toMatchObject({ status: 'failed', attempts: 3, error: { code: 'worker_lost' } });
		expect(await metricOf(worker, 'facet_inference_restarts_total')).toBeGreaterThanOrEqual(6);

		gate.open();
		expect(await atEnd(v1, held.body.id)).toMatchObject({ status: 'succeeded', attempts: 1 });
		const next = await v1.submit({ img: (await samplePhoto(1)).toString('base64') });
		expect((await atEnd(v1, next.body.id)).status).toBe('succeeded');
		expect(await worker.end()).toBe(0);
	});

	it('has the libraries that read what strangers send, which the worker has not, and no secret', async () => {
		const { facet, worker } = await startFacet({ AWS_SECRET_ACCESS_KEY: SECRET, API_KEYS: SECRET });
		const child = inferencePidOf(worker);
		const key = { 'x-api-key': SECRET };
		const img = (await samplePhoto(1)).toString('base64');
		expect((await facet.detect({ img, return_face_url: true }, key)).status).toBe(200);
		const [ofWorker, ofChild] = await Promise.all(
			[worker.pid, child].map((pid) => readFile(`/proc/${pid}/maps`, 'utf8')),
		);
		const libraries = /libvips|onnxruntime|sharp/;
		expect(ofWorker).not.toMatch(libraries);
		expect(ofChild).toMatch(/libvips/);
		expect(ofChild).toMatch(/onnxruntime/);
		expect(await readFile(`/proc/${worker.pid}/environ`, 'utf8')).toContain(SECRET);
		const names = (await readFile(`/proc/${child}/environ`, 'utf8')).split('\0').filter(Boolean);
		expect(names.map((variable) => variable.split('=')[0]).sort()).toEqual([
			'MALLOC_ARENA_MAX',
			'MALLOC_MMAP_THRESHOLD_',
			'MALLOC_TRIM_THRESHOLD_',
			'NODE_CHANNEL_FD',
			'NODE_CHANNEL_SERIALIZATION_MODE',
			'ORT_DISABLE_TELEMETRY',
			'PATH',
			'UV_THREADPOOL_SIZE',
			'VIPS_DISC_THRESHOLD',
		]);
	});

	it('ends with its worker, however that ends, and not before', async () => {
		const { facet, v1, worker } = await startFacet();
		const gate = await startGate();
		const held = await v1.submit({ url: `${gate.url}/held.jpg` });
		await gate.arrived(1);
		// As a terminal does it: both get the signal.
		const stopped = inferencePidOf(worker);
		process.kill(stopped, 'SIGINT');
		const ended = worker.end('SIGINT');
		await worker.logged('stopping');
		gate.open();
		expect((await atEnd(v1, held.body.id)).status).toBe('succeeded');
		expect(await ended).toBe(0);
		expect(await isRunning(stopped)).toBe(false);

		const doomed = await facet.startWorker();
		const orphan = inferencePidOf(doomed);
		expect(await isRunning(orphan)).toBe(true);
		await doomed.end('SIGKILL');
		await expect.poll(() => isRunning(orphan), { timeout: 10_000 }).toBe(false);
	});
});
