import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BatchClient } from '../support/batch-client.ts';
import { PhotoServer } from '../support/photo-server.ts';
import { WebhookService } from '../support/webhook-service.ts';

let photos: PhotoServer;
let service: WebhookService;
let batches: BatchClient;

async function start(environment: Readonly<Record<string, string>>, workers: number): Promise<void> {
	service = await WebhookService.start({ WORKER_CONCURRENCY: '2', ...environment }, workers);
	batches = new BatchClient(service.facet.url);
}

beforeEach(async () => {
	photos = await PhotoServer.start();
});

afterEach(async () => {
	await photos.close();
	await service.stop();
});

const range = (length: number) => Array.from({ length }, (_, index) => index);
const lines = (values: readonly unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join('');

/** Keys of Redis that speak of a batch, but for its webhook and what keeps late runs of erased jobs away. */
async function traces(id: string): Promise<string[]> {
	const keys = await service.redis.keys(`${service.facet.prefix}*${id}*`);
	return keys.filter(
		(key) => !key.includes(':result:') && !key.includes(':batch:expand-') && !key.includes(':batch:erase-'),
	);
}

describe('a batch', () => {
	it('of JSON: each item with its own options, results in order, one webhook', async () => {
		await start({}, 1);
		const hook = await service.receiver();
		const { id } = await batches.submit({
			tag: 'holiday',
			include: ['scores'],
			webhook_url: hook.url,
			items: [
				{ url: `${photos.url}/photo/0` },
				{ url: `${photos.url}/missing/1`, tag: 'lost' },
				{ url: `${photos.url}/photo/2`, single_face: true, include: [] },
				{ url: `${photos.url}/corrupt/3` },
			],
		});
		const batch = await batches.ended(id);
		expect(batch).toMatchObject({
			status: 'completed',
			tag: 'holiday',
			total: 4,
			counts: { queued: 0, processing: 0, succeeded: 2, failed: 2, canceled: 0, expired: 0 },
		});
		const results = await batches.results(id);
		expect(results.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
		expect(results.map(({ status }) => status)).toEqual(['succeeded', 'failed', 'succeeded', 'failed']);
		expect(results.map(({ job }) => [job?.batch_id, job?.tag])).toEqual([
			[id, 'holiday'],
			[id, 'lost'],
			[id, 'holiday'],
			[id, 'holiday'],
		]);
		const frames = results.map(({ job }) => job?.result?.faces_obj['0']);
		expect(frames[0]?.region).toHaveLength(3);
		expect(frames[0]?.scores).toHaveLength(3);
		expect(frames[2]?.region).toHaveLength(1);
		expect(frames[2]).not.toHaveProperty('scores');
		expect(results[1]?.job?.error).toMatchObject({ code: 'download_failed' });
		expect(results[3]?.job?.error).toMatchObject({ code: 'corrupt_media' });

		const [message] = await hook.got(1);
		expect(message).toMatchObject({ id: `msg_${id}`, event: { type: 'batch.completed', data: batch } });
		expect((await service.settled(id, 'batches')).attempts).toHaveLength(1);
		expect(hook.received).toHaveLength(1);
		// The list of items has done its duty.
		expect((await service.facet.storedObjects()).filter((name) => name.endsWith('.ndjson'))).toEqual([]);
	});

	it('of NDJSON: defaults, an upload, and the ends of items for who asks for them', async () => {
		await start({}, 1);
		const hook = await service.receiver();
		const made = await service.post('/v1/uploads', {});
		const upload: unknown = made.body;
		const { upload_id, url: link, headers } = upload as { upload_id: string; url: string; headers: object };
		const photo = await (await fetch(`${photos.url}/photo/0`)).arrayBuffer();
		await fetch(link, { method: 'PUT', body: photo, headers: { ...headers } });
		const { id } = await batches.submit(
			lines([
				{ defaults: { webhook_url: hook.url, webhook_events: ['detection.failed'], return_face_url: true } },
				{ upload_id },
				{ upload_id, single_face: true },
				{ url: `${photos.url}/missing` },
			]),
		);
		expect(await batches.ended(id)).toMatchObject({ counts: { succeeded: 2, failed: 1 } });
		const faces = (await batches.results(id)).map(
			({ job }) => job?.result?.faces_obj['0']?.face_urls?.length,
		);
		expect(faces).toEqual([3, 1, undefined]);
		const received = await hook.got(2);
		expect(received.map(({ event }) => event.type).sort()).toEqual(['batch.completed', 'detection.failed']);
	});

	it('of a hundred photos, some of them faulty: every item is accounted for, by two workers', async () => {
		await start({ INFERENCE_THREADS: '1', JOB_ATTEMPTS: '2' }, 2);
		const hook = await service.receiver();
		const faults: Readonly<Record<number, string>> = {
			33: `${photos.url}/missing`,
			66: `${photos.url}/corrupt`,
			99: 'http://127.0.0.1:1/nobody',
		};
		const urls = range(100).map((index) => faults[index] ?? `${photos.url}/photo/${index}`);
		const { id } = await batches.submit(
			lines([{ defaults: { webhook_url: hook.url } }, ...urls.map((url) => ({ url }))]),
		);
		expect(await batches.ended(id, 110_000)).toMatchObject({ counts: { succeeded: 97, failed: 3 } });
		const results = await batches.results(id);
		expect(results.map(({ index }) => index)).toEqual(range(100));
		const failed = results.filter(({ status }) => status !== 'succeeded');
		expect(failed.map(({ index, job }) => [index, job?.error?.code])).toEqual([
			[33, 'download_failed'],
			[66, 'corrupt_media'],
			[99, 'download_failed'],
		]);
		await service.settled(id, 'batches');
		expect(hook.received.map(({ id: webhookId }) => webhookId)).toEqual([`msg_${id}`]);
	}, 120_000);

	it('is read by cursor, while it runs, and after results have gone', async () => {
		await start({ RESULT_TTL_SECONDS: '3' }, 1);
		const items = [...range(250).map((index) => `missing/${index}`), 'held/0', 'photo/251'];
		const { id } = await batches.submit(lines(items.map((path) => ({ url: `${photos.url}/${path}` }))));
		await photos.arrived(1);
		await expect
			.poll(async () => (await batches.read(id)).counts, { timeout: 20_000 })
			.toEqual({
				queued: 0,
				processing: 1,
				succeeded: 1,
				failed: 250,
				canceled: 0,
				expired: 0,
			});
		const first = await batches.results(id, '?limit=120');
		const rest = await batches.results(id, `?cursor=${first.at(-1)?.cursor}`);
		expect([...first, ...rest].map(({ index }) => index)).toEqual(range(252));
		expect(rest.at(-2)).toMatchObject({ status: 'processing', job: { status: 'processing', result: null } });
		expect(await batches.results(id, `?cursor=${rest.at(-1)?.cursor}`)).toEqual([]);
		expect((await batches.get(`${id}/results?cursor=253`)).status).toBe(400);
		expect((await batches.get(`${id}/results?cursor=a`)).status).toBe(400);

		const states = async () => new Set((await batches.results(id)).map(({ status }) => status));
		await expect.poll(states, { timeout: 20_000 }).toEqual(new Set(['gone', 'processing']));
		expect(await batches.read(id)).toMatchObject({ counts: { failed: 250, processing: 1 } });
		photos.open();
		await batches.ended(id);
		await expect.poll(async () => (await batches.get(id)).status, { timeout: 10_000 }).toBe(404);
		expect(await batches.list()).toEqual({ data: [], next_cursor: null });
	});

	it('whose reader goes away does no harm', async () => {
		await start({}, 0);
		const { id } = await batches.submit(
			lines(range(2000).map((index) => ({ url: `${photos.url}/${index}` }))),
		);
		for (let reader = 0; reader < 3; reader += 1) {
			const response = await batches.get(`${id}/results`);
			await response.body?.getReader().read();
			await response.body?.cancel().catch(() => {});
		}
		const waiting = await batches.results(id);
		expect(waiting).toHaveLength(2000);
		expect(waiting[1999]).toMatchObject({ status: 'queued', job: null });
	});
});

describe('a batch that is canceled', () => {
	it('stops what runs, drops what waits, and says so once', async () => {
		await start({}, 1);
		const hook = await service.receiver();
		const paths = ['photo/0', ...range(20).map((index) => `held/${index}`), ...range(2000).map(String)];
		const { id } = await batches.submit({
			webhook_url: hook.url,
			items: paths.map((path) => ({ url: `${photos.url}/${path}` })),
		});
		await photos.arrived(2);
		const response = await batches.cancel(id);
		expect(response.status).toBe(202);
		expect(await response.json()).toMatchObject({ id, status: expect.stringMatching(/^cancel/) });
		expect(await batches.ended(id)).toMatchObject({
			status: 'canceled',
			counts: { queued: 0, processing: 0, succeeded: 1, failed: 0, canceled: 2020 },
		});
		// The running ones let go of their sources, and nothing else begins.
		await expect.poll(() => photos.waiting, { timeout: 5000 }).toBe(0);
		await expect.poll(() => service.facet.temporaryFiles(), { timeout: 5000 }).not.toContain('source');
		expect(range(20).filter((index) => photos.requests(`/held/${index}`) > 0)).toHaveLength(2);
		const [message] = await hook.got(1);
		expect(message?.event).toMatchObject({ type: 'batch.completed', data: { id, status: 'canceled' } });
		expect((await batches.cancel(id)).status).toBe(202);
		await service.settled(id, 'batches');
		expect(hook.received).toHaveLength(1);
	});

	it('before a worker has seen it never runs, and its items keep their tags', async () => {
		await start({}, 0);
		const item = (index: number) => ({ url: `${photos.url}/photo/${index}`, tag: `t${index}` });
		const { id } = await batches.submit(lines(range(700).map(item)));
		expect(await (await batches.cancel(id)).json()).toMatchObject({ status: 'canceling' });
		await service.facet.startWorker();
		expect(await batches.ended(id)).toMatchObject({ status: 'canceled', counts: { canceled: 700 } });
		const results = await batches.results(id);
		expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['canceled']));
		expect(results[650]?.job).toMatchObject({ tag: 't650', batch_id: id, attempts: 0 });
		expect(range(700).every((index) => photos.requests(`/photo/${index}`) === 0)).toBe(true);
		expect(await service.facet.storedObjects()).toEqual([]);
	});

	it('is one that has not completed', async () => {
		await start({}, 1);
		const { id } = await batches.submit({ items: [{ url: `${photos.url}/missing` }] });
		await batches.ended(id);
		const response = await batches.cancel(id);
		expect(response.status).toBe(409);
		expect(await response.json()).toMatchObject({ code: 'conflict' });
		expect(await batches.read(id)).toMatchObject({ status: 'completed' });
	});
});

describe('a batch that is deleted', () => {
	it('leaves nothing: no results, no crops, no facts, no message', async () => {
		await start({}, 1);
		const hook = await service.receiver();
		const items = ['photo/0', 'photo/1', 'missing', 'held/0', 'held/1', 'photo/2'];
		const { id } = await batches.submit({
			return_face_url: true,
			webhook_url: hook.url,
			items: items.map((path) => ({ url: `${photos.url}/${path}` })),
		});
		await photos.arrived(2);
		expect((await batches.read(id)).counts.succeeded).toBe(2);
		expect((await service.facet.storedObjects()).length).toBeGreaterThan(0);
		expect((await batches.delete(id)).status).toBe(202);
		expect((await batches.get(id)).status).toBe(404);
		expect((await batches.get(`${id}/results`)).status).toBe(404);
		expect((await batches.list()).data).toEqual([]);
		await expect.poll(() => traces(id), { timeout: 10_000 }).toEqual([]);
		await expect.poll(() => service.facet.storedObjects(), { timeout: 10_000 }).toEqual([]);
		expect((await batches.delete(id)).status).toBe(404);
		await expect.poll(() => photos.waiting, { timeout: 5000 }).toBe(0);
		expect(hook.received).toEqual([]);
	});
});

describe('workers', () => {
	it('killed while it expands a batch: another one goes on, and adds no item again', async () => {
		await start({}, 0);
		const hook = await service.receiver();
		const doomed = await service.facet.startWorker();
		const count = 3000;
		const { id } = await batches.submit(
			lines([
				{ defaults: { webhook_url: hook.url } },
				...range(count).map((index) => ({ url: `${photos.url}/missing/${index}` })),
			]),
		);
		const expanded = async () => (await service.batches.read(id))?.expanded ?? 0;
		await expect.poll(expanded, { interval: 5, timeout: 20_000 }).toBeGreaterThan(0);
		await doomed.end('SIGKILL');
		expect(await expanded()).toBeLessThan(count);
		await service.facet.startWorker({ WORKER_CONCURRENCY: '8' });
		expect(await batches.ended(id, 100_000)).toMatchObject({ counts: { failed: count } });
		expect((await batches.results(id)).filter(({ status }) => status === 'failed')).toHaveLength(count);
		// Only those run again that a worker had in hand when it died, or was too busy to say that it lives.
		const twice = range(count).filter((index) => photos.requests(`/missing/${index}`) > 1);
		expect(twice.length).toBeLessThanOrEqual(2 + 8);
		await service.settled(id, 'batches');
		expect(hook.received).toHaveLength(1);
	}, 120_000);

	it('find a batch that its API could not put on the queue, and complete one whose items are lost', async () => {
		await start({}, 1);
		const id = randomUUID();
		const facts = { owner: 'open', createdAt: Date.now(), counted: false };
		await service.batches.create({ ...facts, id, total: 700, itemsKey: `batches/${id}.ndjson` });
		expect(await batches.ended(id)).toMatchObject({ status: 'completed', counts: { failed: 700 } });
		const results = await batches.results(id, '?limit=1&cursor=699');
		expect(results[0]?.job?.error).toMatchObject({ code: 'internal', retryable: false });
	});
});
