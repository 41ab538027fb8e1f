import { randomUUID } from 'node:crypto';
import { BatchStore } from '@facet/queue';
import { expect, inject, it } from 'vitest';
import { anyJob, QueueFixture } from '../support/queue-fixture.ts';

it('jobs wait on the queue, and as items of a batch that is not on it yet', async () => {
	const { prefix, producer, queues } = await QueueFixture.start(inject('redisUrl'));
	const batches = new BatchStore(queues, { prefix, ttlSeconds: 60 });
	const addJobs = (count: number) =>
		producer.addMany(
			'detect',
			Array.from({ length: count }, () => ({ id: randomUUID(), data: anyJob })),
		);
	/** A batch that no worker has looked at. */
	const acceptBatch = async (total: number) => {
		const id = randomUUID();
		const itemsKey = `batches/${id}.ndjson`;
		await batches.create({ id, owner: 'open', total, createdAt: Date.now(), itemsKey, counted: false });
		return id;
	};

	expect(await producer.waiting()).toBe(0);
	await addJobs(2);
	await acceptBatch(3);
	const second = await acceptBatch(4);
	expect(await producer.waiting()).toBe(9);
	await addJobs(1);
	await batches.advance(second, 1);
	expect(await producer.waiting()).toBe(9);
});
