import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BatchClient } from '../support/batch-client.ts';
import { OBJECT_STORES, type StoreSetup } from '../support/object-stores.ts';
import { PhotoServer } from '../support/photo-server.ts';
import { samplePhoto } from '../support/sample-photos.ts';
import { reportCounts } from '../support/scenario-counts.ts';
import { V1Client } from '../support/v1.ts';
import { WebhookService } from '../support/webhook-service.ts';

/** Keys of Redis that name any of these, or hold one of them as text. */
async function traces({ redis, facet }: WebhookService, ids: readonly string[]): Promise<string[]> {
	const keys = await redis.keys(`${facet.prefix}*`);
	const dumps = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
	const mentions = (text: string | undefined) => ids.some((id) => text?.includes(id));
	return keys.filter((key, index) => mentions(key) || mentions(dumps[index]?.toString('latin1')));
}

async function isThere(url: string): Promise<boolean> {
	const response = await fetch(url);
	await response.body?.cancel();
	return response.ok;
}

describe.each(OBJECT_STORES)('in the %s store', (_, setUp) => {
	let store: StoreSetup;
	let service: WebhookService;
	let photos: PhotoServer;
	let img: string;

	beforeAll(async () => {
		img = (await samplePhoto(1)).toString('base64');
		photos = await PhotoServer.start();
		store = await setUp();
		service = await WebhookService.start(store.environment);
	});

	afterAll(async () => {
		await service?.stop();
		await store?.stop();
		await photos?.close();
	});

	it('nothing is left of a job that its caller erases', async ({ task }) => {
		const jobs = new V1Client(service.facet.url);
		const hook = await service.receiver();
		const { id } = (await jobs.submit({ img, return_face_url: true, tag: 'tagged', webhook_url: hook.url }))
			.body;
		const crops = (await jobs.get(id, 30)).result?.faces_obj['0']?.face_urls ?? [];
		expect(crops).toHaveLength(3);
		for (const url of crops) expect(await isThere(url ?? '')).toBe(true);
		await hook.got(1);
		await service.settled(id);

		await jobs.delete(id);
		for (const url of crops) expect(await isThere(url ?? '')).toBe(false);
		expect((await jobs.fetch(`/${id}`)).ok).toBe(false);
		expect((await jobs.list()).data).toEqual([]);
		// A mark stays for a while, so that a run of it that comes late writes nothing.
		const left = await traces(service, [id]);
		expect(left).toEqual([`${service.facet.prefix}:result:${id}`]);
		expect((await service.redis.get(left[0] ?? ''))?.length).toBeLessThan(20);
		expect(await service.redis.ttl(left[0] ?? '')).toBeGreaterThan(0);
		reportCounts(task, { crops: crops.length, 'left in Redis': left.length });
	});

	it('nothing is left of a batch that its caller erases', async ({ task }) => {
		const batches = new BatchClient(service.facet.url);
		const items = [0, 1, 2].map((index) => ({ url: `${photos.url}/photo/${index}`, return_face_url: true }));
		const { url } = await service.receiver();
		const { id } = await batches.submit({ items, webhook_url: `${url}?of=batch` });
		await batches.ended(id);
		const crops = (await batches.results(id)).flatMap(
			({ job }) => job?.result?.faces_obj['0']?.face_urls ?? [],
		);
		expect(crops).toHaveLength(9);
		await service.settled(id, 'batches');
		expect((await batches.delete(id)).status).toBe(202);
		const found = async () => (await Promise.all(crops.map((url) => isThere(url ?? '')))).filter(Boolean);
		await expect.poll(found, { timeout: 20_000 }).toEqual([]);
		expect((await batches.get(id)).ok).toBe(false);
		// Nor of where its webhook went; what is left are marks against runs that come late.
		const left = async () => {
			const keys = await traces(service, [id, '?of=batch']);
			return keys.filter((key) => !/:(result|batch):/.test(key));
		};
		// They go after the crops.
		await expect.poll(left, { timeout: 10_000 }).toEqual([]);
		reportCounts(task, { crops: crops.length });
	});

	it('an image that came with its request is gone with its job', async () => {
		const answer = await service.facet.detect({ img });
		const id = answer.headers.get('x-job-id') ?? '';
		expect(answer.status).toBe(200);
		if (Object.keys(store.environment).length === 0) {
			const left = async () => (await service.facet.storedObjects()).filter((name) => name.includes(id));
			await expect.poll(left, { timeout: 5000 }).toEqual([]);
		}
	});
});

it('results go when their time is over, and crops at the next sweep', async () => {
	const service = await WebhookService.start({ RESULT_TTL_SECONDS: '2' });
	const jobs = new V1Client(service.facet.url);
	const img = (await samplePhoto(1)).toString('base64');
	const { id } = (await jobs.submit({ img, return_face_url: true })).body;
	const crops = (await jobs.get(id, 30)).result?.faces_obj['0']?.face_urls ?? [];
	expect(crops).toHaveLength(3);
	const results = async () => (await traces(service, [id])).filter((key) => key.includes(':result:'));
	await expect.poll(results, { timeout: 15_000 }).toEqual([]);
	expect((await jobs.fetch(`/${id}`)).ok).toBe(false);

	// Eight days go by; a worker that starts sweeps.
	const folder = join(service.facet.storageDirectory, 'faces', id);
	const past = new Date(Date.now() - 8 * 86_400_000);
	for (const name of await readdir(folder)) await utimes(join(folder, name), past, past);
	await service.facet.startWorker();
	const objects = async () => (await service.facet.storedObjects()).filter((name) => name.endsWith('.jpg'));
	await expect.poll(objects, { timeout: 10_000 }).toEqual([]);
	await service.stop();
});
