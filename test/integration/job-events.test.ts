import { randomUUID } from 'node:crypto';
import {
	compareEventIds,
	JobControl,
	JobFingerprints,
	type JobProducer,
	type Queues,
	type ResultStore,
} from '@facet/queue';
import { beforeEach, describe, expect, inject, it } from 'vitest';
import { anyJob, endedAs, QueueFixture } from '../support/queue-fixture.ts';

let control: JobControl;
let fixture: QueueFixture;
let prefix: string;
let redis: QueueFixture['redis'];
let queues: Queues;
let producer: JobProducer;
let results: ResultStore;

beforeEach(async () => {
	fixture = await QueueFixture.start(inject('redisUrl'));
	({ prefix, redis, queues, producer, results } = fixture);
	control = new JobControl(queues, results, prefix);
});

async function add(id: string = randomUUID()): Promise<string> {
	await producer.add('detect', id, anyJob, { urgency: 'normal' });
	return id;
}

describe('the event stream', () => {
	it('tells what happened to one job since an event of any job', async () => {
		const events = fixture.events();
		const first = await add();
		const before = await events.lastId();
		const second = await add();
		await control.end(first, 'canceled');
		await control.end(second, 'canceled');
		const missed = (await events.since(second, before)) ?? [];
		expect(missed.map(({ kind }) => kind)).toEqual(['queued', 'ended']);
		expect(await events.since(second, missed[0]?.id ?? '')).toEqual(missed.slice(1));
		expect(await events.since(first, await events.lastId())).toEqual([]);
	});

	it('says when it does not go back so far', async () => {
		const events = fixture.events();
		expect(await events.lastId()).toBe('0-0');
		expect(await events.since('any', '1-1')).toBeUndefined();
		const id = await add();
		const early = await events.lastId();
		await add();
		await redis.xtrim(`${prefix}:detect:events`, 'MAXLEN', 1);
		expect(await events.since(id, early)).toBeUndefined();
	});

	it('is longer than one page', async () => {
		const events = fixture.events();
		const start = await add().then(() => events.lastId());
		const jobs = Array.from({ length: 1500 }, () => ({ id: randomUUID(), data: anyJob }));
		await producer.addMany('detect', jobs);
		const last = jobs.at(-1)?.id ?? '';
		expect((await events.since(last, start))?.map(({ kind }) => kind)).toEqual(['queued']);
	});

	it('is followed live from the newest event on, by whoever comes while it is read', async () => {
		const events = fixture.events();
		const [early, late] = [await add(), randomUUID()];
		const seen: string[] = [];
		const ended = new Map<string, () => void>();
		const follow = async (id: string) => {
			const end = new Promise<void>((resolve) => ended.set(id, resolve));
			const unfollow = await events.follow(id, ({ kind }) => {
				seen.push(`${id === early ? 'early' : 'late'} ${kind}`);
				if (kind === 'ended') ended.get(id)?.();
			});
			return { end, unfollow };
		};
		const first = await follow(early);
		const second = await follow(late);
		await producer.add('detect', late, anyJob, { urgency: 'normal' });
		await control.end(early, 'canceled');
		await first.end;
		first.unfollow();
		await control.end(late, 'canceled');
		await second.end;
		expect(seen).toEqual(['late queued', 'early ended', 'late ended']);
		second.unfollow();
	});

	it('is read only while somebody follows a job', async () => {
		const readers = async () => {
			const clients = String(await redis.client('LIST'));
			return clients.split('\n').filter((client) => client.includes('cmd=xread')).length;
		};
		const before = await readers();
		const events = fixture.events();
		await expect.poll(readers).toBe(before);
		const unfollow = await events.follow(await add(), () => {});
		await expect.poll(readers).toBe(before + 1);
		unfollow();
		await events.close();
		await expect.poll(readers).toBe(before);
	});

	it('says when Redis is away, and is read again when it is back', async () => {
		const events = fixture.events();
		const gone = new Promise((resolve) => redis.once('end', resolve));
		redis.disconnect();
		await gone;
		await expect(events.follow('any', () => {})).rejects.toMatchObject({ code: 'queue_unavailable' });
		await redis.connect();
		await new Promise<void>((resolve, reject) => {
			events.follow('later', () => resolve()).catch(reject);
			add('later').catch(reject);
		});
	});

	it('has ids that are compared as numbers', () => {
		expect(compareEventIds('9-0', '10-0')).toBeLessThan(0);
		expect(compareEventIds('10-10', '10-9')).toBeGreaterThan(0);
		expect(compareEventIds('10-9', '10-9')).toBe(0);
	});
});

describe('the fingerprint of a job', () => {
	it('belongs to one job, until that ends', async () => {
		const fingerprints = new JobFingerprints(redis, { prefix });
		expect(await fingerprints.claim('f', 'a')).toBe('a');
		expect(await fingerprints.claim('f', 'b')).toBe('a');
		expect(await fingerprints.claim('f', 'b', 'a')).toBe('b');
		await fingerprints.release('f', 'a');
		expect(await fingerprints.find('f')).toBe('b');
		await results.finish('b', endedAs('canceled', { fingerprint: 'f' }));
		expect(await fingerprints.find('f')).toBeUndefined();
		// Too late: nobody would take it away again.
		await fingerprints.register('f', 'b');
		expect(await fingerprints.find('f')).toBeUndefined();
		await fingerprints.register('f', 'c');
		expect(await fingerprints.find('f')).toBe('c');
	});
});
