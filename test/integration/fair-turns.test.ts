import type { DetectJobInput } from '@facet/contracts';
import { type JobProducer, type Queues, redisKeys, type Urgency } from '@facet/queue';
import { beforeEach, describe, expect, inject, it } from 'vitest';
import { anyJob, emptyResult, QueueFixture } from '../support/queue-fixture.ts';

let fixture: QueueFixture;
let prefix: string;
let redis: QueueFixture['redis'];
let queues: Queues;
let producer: JobProducer;

beforeEach(async () => {
	fixture = await QueueFixture.start(inject('redisUrl'));
	({ prefix, redis, queues, producer } = fixture);
});

const dataOf = (owner: string): DetectJobInput => ({
	owner,
	...anyJob,
});

/** Adds jobs with ids `<owner>-<urgency>-<number>`. */
async function submit(owner: string, count: number, urgency: Urgency = 'normal', from = 0): Promise<void> {
	const jobs = Array.from({ length: count }, (_, index) => ({
		id: `${owner}-${urgency}-${from + index}`,
		data: dataOf(owner),
	}));
	await producer.addMany('detect', jobs, { urgency });
}

/** Takes the next jobs off the queue, as BullMQ does. */
const take = async (count: number): Promise<string[]> => {
	const popped = await queues.use('detect', ({ keys }) => redis.zpopmin(keys.prioritized ?? '', count));
	return popped.filter((_, place) => place % 2 === 0);
};

const ownersOf = (ids: readonly string[]) => ids.map((id) => id.split('-')[0] ?? '');
const shareOf = (owner: string, ids: readonly string[]) =>
	ownersOf(ids).filter((other) => other === owner).length / ids.length;

describe('turns of callers', () => {
	it('ten jobs of one caller end soon although another has 500 waiting', async () => {
		await submit('greedy', 500);
		const ended: string[] = [];
		let stopped = () => {};
		const modestEnded = new Promise<void>((resolve) => {
			stopped = resolve;
		});
		fixture.consume(
			async (_data, { jobId }) => {
				if (ended.length === 100) await submit('modest', 10);
				ended.push(jobId);
				if (shareOf('modest', ended) * ended.length === 10) stopped();
				return emptyResult;
			},
			{ concurrency: 2 },
		);
		await modestEnded;
		// Two at a time, and two were under way.
		expect(ended.length).toBeLessThanOrEqual(100 + 2 * 10 + 4);
	});

	it('callers alternate, each in the order of its own jobs', async () => {
		await submit('a', 30);
		await submit('b', 10);
		await submit('c', 10);
		const ids = await take(50);
		for (const owner of ['a', 'b', 'c']) expect(shareOf(owner, ids.slice(0, 30))).toBeCloseTo(1 / 3);
		expect(ids.filter((id) => id.startsWith('a'))).toEqual(
			Array.from({ length: 30 }, (_, index) => `a-normal-${index}`),
		);
	});

	it('a caller that always has a few jobs waiting does not hold up one that has many', async () => {
		await submit('many', 100);
		await submit('few', 3);
		const ids: string[] = [];
		for (let submitted = 3; ids.length < 100; ) {
			const [id = ''] = await take(1);
			ids.push(id);
			if (!id.startsWith('few')) continue;
			await submit('few', 1, 'normal', submitted);
			submitted += 1;
		}
		expect(shareOf('many', ids)).toBeGreaterThan(0.45);
		expect(shareOf('few', ids)).toBeGreaterThan(0.45);
	});

	it('clients that wait go before those that poll, and these before a batch of 10,000', async () => {
		for (let page = 0; page < 20; page += 1) await submit('caller', 500, 'batch', page * 500);
		await take(5000);
		await submit('caller', 2, 'low');
		await submit('caller', 2, 'normal');
		await submit('caller', 2, 'high');
		await submit('caller', 2, 'sync');
		expect(await take(9)).toEqual([
			'caller-sync-0',
			'caller-sync-1',
			'caller-high-0',
			'caller-high-1',
			'caller-normal-0',
			'caller-normal-1',
			'caller-low-0',
			'caller-low-1',
			'caller-batch-5000',
		]);
	});

	it('a caller whose jobs are all urgent does not shut out the others', async () => {
		await submit('modest', 10, 'normal');
		await submit('greedy', 1000, 'high');
		const ids = await take(150);
		expect(ids.filter((id) => id.startsWith('modest'))).toHaveLength(10);
	});

	it('when nobody waits, nobody owes turns', async () => {
		await submit('greedy', 200);
		await take(200);
		await submit('greedy', 5, 'normal', 200);
		await submit('modest', 5);
		expect(shareOf('greedy', await take(6))).toBe(0.5);
	});

	it('when turns near the largest priority of BullMQ they are moved back, and the order stays', async () => {
		await submit('a', 300);
		await submit('b', 3, 'low');
		// As after a quarter of a million turns.
		const turns = redisKeys(prefix).turns;
		const far = 260_700;
		await queues.use('detect', async ({ keys }) => {
			const key = keys.prioritized ?? '';
			const members = await redis.zrange(key, '0', '-1');
			for (const id of members) await redis.zincrby(key, String(far * 8 * 2 ** 32), id);
		});
		for (const line of ['a:3', 'b:4', 'now', 'latest']) await redis.hincrby(turns, line, far);
		const before = await queues.use('detect', ({ keys }) => redis.zrange(keys.prioritized ?? '', '0', '-1'));
		await submit('a', 500, 'normal', 300);
		expect(Number(await redis.hget(turns, 'now'))).toBeLessThan(1000);
		await submit('c', 2);
		const ids = await take(805);
		expect(ids.filter((id) => before.includes(id))).toEqual(before);
		expect(ids.filter((id) => id.startsWith('a'))).toEqual(
			Array.from({ length: 800 }, (_, index) => `a-normal-${index}`),
		);
		expect(ids.slice(0, 4).filter((id) => id.startsWith('c'))).toHaveLength(2);
	});
});
