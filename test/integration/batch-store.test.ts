import { randomUUID } from 'node:crypto';
import { batchItemId, type FinalStatus } from '@facet/contracts';
import { BatchStore, type NewBatch, type ResultStore, redisKeys } from '@facet/queue';
import { beforeEach, describe, expect, inject, it } from 'vitest';
import { endedAs, QueueFixture } from '../support/queue-fixture.ts';

let batches: BatchStore;
let fixture: QueueFixture;
let prefix: string;
let redis: QueueFixture['redis'];
let results: ResultStore;

beforeEach(async () => {
	fixture = await QueueFixture.start(inject('redisUrl'));
	({ prefix, redis, results } = fixture);
	batches = new BatchStore(fixture.queues, { prefix, ttlSeconds: 60 });
});

async function create(facts: Partial<NewBatch> = {}): Promise<string> {
	const id = facts.id ?? randomUUID();
	const itemsKey = `batches/${id}.ndjson`;
	await batches.create({
		id,
		owner: 'open',
		total: 3,
		createdAt: Date.now(),
		itemsKey,
		counted: false,
		...facts,
	});
	return id;
}

async function end(batchId: string, index: number, status: Exclude<FinalStatus, 'succeeded'>): Promise<void> {
	await results.finish(batchItemId(batchId, index), endedAs(status, { batchId }));
}

describe('a stored batch', () => {
	it('has what it was made with, and counts its items', async () => {
		const itemWebhook = { url: 'https://example.com/hook', events: ['detection.failed' as const] };
		const id = await create({ tag: 'a', deadline: 5, itemWebhook, counted: true });
		await redis.sadd(redisKeys(prefix).batchRunning(id), batchItemId(id, 2));
		await end(id, 0, 'failed');
		expect(await batches.read(id)).toMatchObject({
			id,
			owner: 'open',
			tag: 'a',
			total: 3,
			deadline: 5,
			itemWebhook,
			counted: true,
			expanded: 0,
			erased: false,
			counts: { queued: 1, processing: 1, succeeded: 0, failed: 1, canceled: 0, expired: 0 },
		});
	});

	it('completes with its last item, and is then kept as long as results', async () => {
		const id = await create();
		expect(await redis.ttl(redisKeys(prefix).batch(id))).toBeGreaterThan(60);
		for (const index of [0, 1, 2, 2]) await end(id, index, 'failed');
		const batch = await batches.read(id);
		expect(batch?.counts).toMatchObject({ queued: 0, failed: 3 });
		expect(batch?.completedAt).toBeGreaterThan(0);
		expect(await redis.ttl(redisKeys(prefix).batch(id))).toBeLessThanOrEqual(60);
		expect(await batches.cancel(id)).toBe(false);
		expect((await batches.read(id))?.canceledAt).toBeUndefined();
	});

	it('waits to be expanded until all of it is, and no longer when it was canceled', async () => {
		const [first, second] = [await create(), await create()];
		expect(await batches.advance(first, 2)).toBe(true);
		expect(Object.fromEntries(await batches.unexpanded())).toEqual({ [first]: 1, [second]: 3 });
		expect(await batches.advance(first, 3)).toBe(true);
		expect(await batches.cancel(second)).toBe(true);
		expect(await batches.cancel(second)).toBe(true);
		expect(await batches.advance(second, 2)).toBe(false);
		expect((await batches.read(second))?.expanded).toBe(0);
		await batches.settle(second);
		expect(await batches.unexpanded()).toEqual(new Map());
	});

	it('is hidden when it is marked as erased, tells nobody of its end, and leaves no key', async () => {
		const id = await create({ webhookUrl: 'https://example.com/hook' });
		expect(await batches.markErased(id)).toBe(true);
		expect(await batches.read(id)).toBeUndefined();
		expect(await batches.readAny(id)).toMatchObject({ id, erased: true, canceledAt: expect.any(Number) });
		for (const index of [0, 1, 2]) await end(id, index, 'canceled');
		expect(await redis.llen(redisKeys(prefix).outbox)).toBe(0);
		await batches.erase({ id, owner: 'open' });
		const left = await redis.keys(`${prefix}*`);
		expect(left.filter((key) => !key.includes(':result:') && !key.endsWith(':meta'))).toEqual([]);
		expect(await batches.markErased(id)).toBe(false);
		expect(await batches.cancel(id)).toBe(false);
		expect(await batches.advance(id, 1)).toBe(false);
	});
});

describe('a record that is none', () => {
	it.each([
		['a field that is no number', { total: 'many' }, /total/],
		['a webhook that is no JSON', { itemWebhook: '{' }, /JSON/],
		['a webhook of another shape', { itemWebhook: '{}' }, /itemWebhook/],
		['a field that is missing', { owner: undefined }, /owner/],
	])('%s: is a fault of ours that no retry mends, and says which', async (_, damage, cause) => {
		const id = await create();
		for (const [field, value] of Object.entries(damage)) {
			if (value === undefined) await redis.hdel(redisKeys(prefix).batch(id), field);
			else await redis.hset(redisKeys(prefix).batch(id), field, value);
		}
		for (const read of [batches.read(id), batches.readAny(id), batches.page('open', { limit: 10 })]) {
			await expect(read).rejects.toMatchObject({
				code: 'internal',
				status: 500,
				retryable: false,
				detail: `batch ${id}: a record of an unknown shape`,
				cause: expect.objectContaining({ message: expect.stringMatching(cause) }),
			});
		}
	});
});

describe('the list of batches', () => {
	it('is read page by page, also where many were made in the same millisecond', async () => {
		const ids: string[] = [];
		for (let number = 0; number < 11; number += 1) {
			ids.push(await create({ createdAt: number < 3 ? 1000 + number : 2000 }));
		}
		await create({ owner: 'somebody' });
		const seen: string[] = [];
		let cursor: string | undefined;
		do {
			const page = await batches.page('open', { after: cursor, limit: 2 });
			expect(page.batches.length).toBeLessThanOrEqual(2);
			seen.push(...page.batches.map(({ id }) => id));
			cursor = page.next;
		} while (cursor !== undefined);
		expect(seen).toHaveLength(11);
		expect(seen.slice(0, 8).sort()).toEqual(ids.slice(3).sort());
		expect(seen.slice(8)).toEqual(ids.slice(0, 3).reverse());
	});

	it('forgets those that have gone, and refuses cursors that are none', async () => {
		const [gone = '', kept = ''] = [await create({ createdAt: 1 }), await create({ createdAt: 2 })];
		await redis.del(redisKeys(prefix).batch(gone));
		expect((await batches.page('open', { limit: 10 })).batches.map(({ id }) => id)).toEqual([kept]);
		expect(await redis.zcard(redisKeys(prefix).batches('open'))).toBe(1);
		const refused = batches.page('open', { after: 'x', limit: 10 });
		await expect(refused).rejects.toMatchObject({ code: 'invalid_request' });
	});
});
