import { setTimeout as delay } from 'node:timers/promises';
import { jobSchema } from '@facet/contracts';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { BatchClient } from '../support/batch-client.ts';
import { Facet } from '../support/facet.ts';
import { PhotoServer } from '../support/photo-server.ts';
import { residentMemory } from '../support/process-memory.ts';
import { reportCounts } from '../support/scenario-counts.ts';
import { scenarioSize } from '../support/scenario-size.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import { V1Client } from '../support/v1.ts';
import { pidsOf } from '../support/worker-processes.ts';

/** The size for every day; `npm run test:overload -- --seconds 600 --batch 10000` is the full one. */
const FLOOD_SECONDS = scenarioSize('OVERLOAD_SECONDS', 12);
const BATCH_ITEMS = scenarioSize('OVERLOAD_BATCH', 1000);
const OVERLOAD = 10;
/** Room beside the batch. */
const ROOM = 20;
/** How much the memory of a process may grow, in bytes: none of it may be for each request. */
const MOST_GROWTH = 150 * 1024 ** 2;

let photos: PhotoServer;
let facet: Facet;
let worker: ServiceProcess;

beforeEach(async () => {
	photos = await PhotoServer.start();
	const environment = { API_KEYS: 'unused', MAX_QUEUE_DEPTH: String(BATCH_ITEMS + ROOM) };
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

interface Refusal {
	readonly ms: number;
	readonly retryAfter: number;
}

interface Flood {
	readonly admitted: string[];
	readonly refusals: Refusal[];
	readonly others: number[];
}

/**
 * Posts so many times as fast as jobs end, whatever becomes of it. A machine that is less busy than at first ends more: the
 * posts that are taken beyond the room there was say how many.
 */
async function flood(client: V1Client, capacity: number, seconds: number): Promise<Flood> {
	const result: Flood = { admitted: [], refusals: [], others: [] };
	const posts: Promise<void>[] = [];
	const start = performance.now();
	const post = async (index: number) => {
		const sentAt = performance.now();
		const response = await client.post({ url: photoUrl(`greedy-${index}`) });
		const body = await response.text();
		const ms = performance.now() - sentAt;
		if (response.status === 202) result.admitted.push(jobSchema.parse(JSON.parse(body)).id);
		else if (response.status !== 429) result.others.push(response.status);
		else result.refusals.push({ ms, retryAfter: Number(response.headers.get('retry-after')) });
	};
	let due = 0;
	for (let last = start; (last - start) / 1000 < seconds; ) {
		await delay(20);
		const now = performance.now();
		const taken = (result.admitted.length - ROOM) / Math.max(1, (now - start) / 1000);
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
			const modest = new V1Client(facet.url, modestKey);
			const batches = new BatchClient(facet.url, batchKey);
			const capacity = await measureCapacity(modest);

			const items = Array.from({ length: BATCH_ITEMS }, (_, index) =>
				JSON.stringify({ url: photoUrl(`batch-${index}`) }),
			);
			const batch = await batches.submit(`${items.join('\n')}\n`);
			// Single jobs are not measured against items that are not on the queue yet: their room is taken when all are.
			await expect.poll(queued, { timeout: 120_000, interval: 500 }).toBeGreaterThan(BATCH_ITEMS * 0.9);
			await facet.detect({ url: photoUrl('before') }, waitingKey);
			const before = await residentBytes();

			let isOver = false;
			const flooding = flood(greedy, capacity, FLOOD_SECONDS).finally(() => {
				isOver = true;
			});
			const waits: { readonly status: number; readonly ms: number }[] = [];
			const waiting = (async () => {
				for (let index = 0; !isOver; index += 1) {
					const sentAt = performance.now();
					const { status } = await facet.detect({ url: photoUrl(`waiting-${index}`) }, waitingKey);
					waits.push({ status, ms: performance.now() - sentAt });
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
			const after = await residentBytes();

			// Retry-After is a promise: a client that keeps to it gets in.
			const promised = quantile(
				refusals.slice(-20).map(({ retryAfter }) => retryAfter),
				0.5,
			);
			await delay(promised * 1000);
			const { status: retried } = await greedy.post({ url: photoUrl('retried') });

			await batches.cancel(batch.id);
			const endings = await Promise.all(admitted.map((id) => ended(greedy, id)));
			reportCounts(task, {
				'jobs a second': Math.round(capacity),
				admitted: admitted.length,
				succeeded: endings.filter((status) => status === 'succeeded').length,
				refused: refusals.length,
				'ms p99 of a refusal': Math.round(
					quantile(
						refusals.map(({ ms }) => ms),
						0.99,
					),
				),
				's Retry-After': promised,
				'synchronous answers': waits.length,
				'ms p99 of these': Math.round(
					quantile(
						waits.map(({ ms }) => ms),
						0.99,
					),
				),
				'ms for 5 jobs of another caller': Math.round(modestMs),
				'MB more in the API': Math.round((after.api - before.api) / 1024 ** 2),
				'MB more in the worker': Math.round((after.worker - before.worker) / 1024 ** 2),
			});
			expect(others).toEqual([]);
			expect(refusals.length).toBeGreaterThan(admitted.length);
			expect(refusals.every(({ retryAfter }) => retryAfter >= 1 && retryAfter <= 300)).toBe(true);
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
