import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, inject, it, onTestFinished } from 'vitest';
import { BatchClient } from '../support/batch-client.ts';
import { Facet } from '../support/facet.ts';
import { FloodClient, type TimedAnswer } from '../support/flood-client.ts';
import { inParallel } from '../support/in-parallel.ts';
import { PhotoServer } from '../support/photo-server.ts';
import { residentMemory } from '../support/process-memory.ts';
import { reportCounts } from '../support/scenario-counts.ts';
import { scenarioSize } from '../support/scenario-size.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import { V1Client } from '../support/v1.ts';
import { pidsOf } from '../support/worker-processes.ts';

/** The size for every day; `npm run test:overload` is the full one. */
const FLOOD_SECONDS = scenarioSize('OVERLOAD_SECONDS', 12);
const BATCH_ITEMS = scenarioSize('OVERLOAD_BATCH', 1000);
const OVERLOAD = 10;
/**
 * A refusal does nothing but count what waits, so it comes at once: in milliseconds, 99 of 100. Every day's tests share the
 * machine with each other.
 */
const SLOWEST_REFUSAL_MS = scenarioSize('OVERLOAD_REFUSAL_MS', 5000);
/** A client that waits goes before all that is queued: some photos under way, and its own. Milliseconds, 99 of 100. */
const SLOWEST_ANSWER_MS = scenarioSize('OVERLOAD_ANSWER_MS', 20_000);
/** Room beside the batch. */
const ROOM = 20;
const DEPTH = BATCH_ITEMS + ROOM;
/** Jobs of one caller that get in at once: the room there is, and what the queue has beyond for callers with few jobs. */
const AT_ONCE = ROOM + Math.floor(DEPTH / 100);
/** Jobs whose end is waited for at once: each takes a connection, and of these the API has 10,000 for all its clients. */
const READERS = 50;
/** How much the memory of a process may grow, in bytes: none of it may be for each request. */
const MOST_GROWTH = 150 * 1024 ** 2;

let photos: PhotoServer;
let facet: Facet;
let worker: ServiceProcess;

beforeEach(async () => {
	photos = await PhotoServer.start();
	const environment = { API_KEYS: 'unused', MAX_QUEUE_DEPTH: String(DEPTH) };
	facet = await Facet.start(inject('redisUrl'), environment, 0);
	worker = await facet.startWorker();
});

afterEach(async () => {
	await facet?.stop();
	await photos?.close();
});

async function newCaller(name: string): Promise<{ 'x-api-key': string }> {
	return { 'x-api-key': (await facet.callers.create(name)).key };
}

const photoUrl = (name: string) => `${photos.url}/photo/${name}`;

/** Resident bytes of the API and the worker (Linux). */
async function residentBytes(): Promise<{ api: number; worker: number }> {
	const metrics = await (await fetch(`${facet.url}/metrics`)).text();
	return {
		api: Number(/^process_resident_memory_bytes\S* (\S+)$/m.exec(metrics)?.[1]),
		worker: await residentMemory(pidsOf(worker)),
	};
}

/** Jobs that wait, by the metrics. */
async function queued(): Promise<number> {
	const metrics = await (await fetch(`${facet.url}/metrics`)).text();
	return Number(/^facet_queue_jobs\{[^}]*state="prioritized"[^}]*\} (\d+)/m.exec(metrics)?.[1]);
}

/** Jobs a second, with nothing else to do. */
async function measureCapacity(client: V1Client): Promise<number> {
	const count = 20;
	const start = performance.now();
	const jobs = await Promise.all(
		Array.from({ length: count }, (_, index) => client.submit({ url: photoUrl(`capacity-${index}`) })),
	);
	await Promise.all(jobs.map(({ body }) => ended(client, body.id)));
	return count / ((performance.now() - start) / 1000);
}

async function ended(client: V1Client, id: string): Promise<string> {
	for (;;) {
		const { status } = await client.get(id, 30);
		if (status !== 'queued' && status !== 'processing') return status;
	}
}

interface Flood {
	readonly admitted: string[];
	readonly refusals: TimedAnswer[];
	readonly others: number[];
}

/**
 * Posts so many times as fast as jobs end, whatever becomes of it. A machine that is less busy than at first ends more: the
 * posts that are taken beyond those that get in at once say how many.
 */
async function flood(client: FloodClient, capacity: number, seconds: number): Promise<Flood> {
	const result: Flood = { admitted: [], refusals: [], others: [] };
	const posts: Promise<void>[] = [];
	const start = performance.now();
	const post = async (index: number) => {
		const answer = await client.post('/v1/jobs', { url: photoUrl(`greedy-${index}`) });
		if (answer.status === 202) result.admitted.push(answer.jobId);
		else if (answer.status === 429) result.refusals.push(answer);
		else result.others.push(answer.status);
	};
	let due = 0;
	for (let last = start; (last - start) / 1000 < seconds; ) {
		await delay(20);
		const now = performance.now();
		const taken = (result.admitted.length - AT_ONCE) / Math.max(1, (now - start) / 1000);
		due += (OVERLOAD * Math.max(capacity, taken) * (now - last)) / 1000;
		last = now;
		while (posts.length < due) posts.push(post(posts.length));
	}
	await Promise.all(posts);
	return result;
}

const quantile = (values: readonly number[], part: number) =>
	[...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? 0;

describe('ten times the capacity', () => {
	it(
		'what is admitted ends, the rest is refused at once, and a batch and a greedy caller hold up nobody',
		async ({ task }) => {
			const [greedyKey, modestKey, waitingKey, batchKey] = [
				await newCaller('greedy'),
				await newCaller('modest'),
				await newCaller('waiting'),
				await newCaller('batch'),
			];
			const greedy = new V1Client(facet.url, greedyKey);
			const flooder = new FloodClient(facet.url, greedyKey);
			const waiter = new FloodClient(facet.url, waitingKey);
			onTestFinished(() => {
				flooder.close();
				waiter.close();
			});
			const modest = new V1Client(facet.url, modestKey);
			const batches = new BatchClient(facet.url, batchKey);
			const capacity = await measureCapacity(modest);

			const items = Array.from({ length: BATCH_ITEMS }, (_, index) =>
				JSON.stringify({ url: photoUrl(`batch-${index}`) }),
			);
			const batch = await batches.submit(`${items.join('\n')}\n`);
			// The worker's work on the batch itself is not what is measured.
			await expect.poll(queued, { timeout: 120_000, interval: 500 }).toBeGreaterThan(BATCH_ITEMS * 0.9);
			await facet.detect({ url: photoUrl('before') }, waitingKey);
			const before = await residentBytes();

			const ownDelay = monitorEventLoopDelay();
			ownDelay.enable();
			let isOver = false;
			const flooding = flood(flooder, capacity, FLOOD_SECONDS).finally(() => {
				isOver = true;
			});
			const waits: TimedAnswer[] = [];
			const waiting = (async () => {
				for (let index = 0; !isOver; index += 1) {
					waits.push(await waiter.post('/detect_faces', { url: photoUrl(`waiting-${index}`) }));
				}
			})();
			// Once the greedy caller has filled the queue.
			await delay((FLOOD_SECONDS * 1000) / 2);
			const modestStart = performance.now();
			const modestJobs = await Promise.all(
				Array.from({ length: 5 }, (_, index) => modest.submit({ url: photoUrl(`modest-${index}`) })),
			);
			expect(await Promise.all(modestJobs.map(({ body }) => ended(modest, body.id)))).toEqual(
				Array(5).fill('succeeded'),
			);
			const modestMs = performance.now() - modestStart;
			const { admitted, refusals, others } = await flooding;
			await waiting;
			ownDelay.disable();
			const refusalsMs = refusals.map(({ ms }) => ms);
			const waitsMs = waits.map(({ ms }) => ms);
			const after = await residentBytes();

			// Retry-After is a promise: a client that keeps to it gets in.
			const promised = quantile(
				refusals.slice(-20).map(({ retryAfter }) => retryAfter),
				0.5,
			);
			await delay(promised * 1000);
			const { status: retried } = await greedy.post({ url: photoUrl('retried') });

			await batches.cancel(batch.id);
			const endings = await inParallel(admitted, READERS, (id) => ended(greedy, id));
			reportCounts(task, {
				'jobs a second': Math.round(capacity),
				admitted: admitted.length,
				succeeded: endings.filter((status) => status === 'succeeded').length,
				refused: refusals.length,
				'ms p50 of a refusal': Math.round(quantile(refusalsMs, 0.5)),
				'ms p99 of a refusal': Math.round(quantile(refusalsMs, 0.99)),
				'ms p99 of our own event loop': Math.round(ownDelay.percentile(99) / 1e6),
				's Retry-After': promised,
				'synchronous answers': waits.length,
				'ms p50 of these': Math.round(quantile(waitsMs, 0.5)),
				'ms p99 of these': Math.round(quantile(waitsMs, 0.99)),
				'ms for 5 jobs of another caller': Math.round(modestMs),
				'MB more in the API': Math.round((after.api - before.api) / 1024 ** 2),
				'MB more in the worker': Math.round((after.worker - before.worker) / 1024 ** 2),
			});
			expect(others).toEqual([]);
			expect(refusals.length).toBeGreaterThan(admitted.length);
			expect(refusals.every(({ retryAfter }) => retryAfter >= 1 && retryAfter <= 300)).toBe(true);
			expect(quantile(refusalsMs, 0.99)).toBeLessThan(SLOWEST_REFUSAL_MS);
			expect(quantile(waitsMs, 0.99)).toBeLessThan(SLOWEST_ANSWER_MS);
			expect(retried).toBe(202);
			expect(endings.filter((status) => status !== 'succeeded')).toEqual([]);
			expect(waits.map(({ status }) => status)).toEqual(Array(waits.length).fill(200));
			// All that the greedy caller had waiting would have taken longer.
			expect(modestMs).toBeLessThan((ROOM / capacity) * 1000 + 5000);
			expect(after.api - before.api).toBeLessThan(MOST_GROWTH);
			expect(after.worker - before.worker).toBeLessThan(MOST_GROWTH);
		},
		(FLOOD_SECONDS * 3 + 300) * 1000,
	);
});
