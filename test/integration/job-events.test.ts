import { randomUUID } from 'node:crypto';
import type { Logger } from '@facet/contracts';
import {
	compareEventIds,
	connectConsumer,
	connectProducer,
	JobControl,
	JobEvents,
	JobFingerprints,
	JobProducer,
	type JobStreamEvent,
	JobWaiter,
	Queues,
	ResultStore,
} from '@facet/queue';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';

const logger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const options = { numFrames: 5, returnFaceUrl: false, singleFace: false };
const data = { source: { kind: 'url' as const, url: 'https://example.com/photo.jpg' }, options };

let prefix: string;
let redis: ReturnType<typeof connectProducer>;
let queues: Queues;
let producer: JobProducer;
let control: JobControl;
let results: ResultStore;

beforeEach(async () => {
	prefix = `{test-${randomUUID()}}`;
	redis = connectProducer(inject('redisUrl'), logger);
	await new Promise((resolve) => redis.once('ready', resolve));
	queues = new Queues({ redis, prefix, logger });
	results = new ResultStore(redis, { prefix, ttlSeconds: 60 });
	producer = new JobProducer({ queues, attempts: 3, keepSeconds: 60 });
	control = new JobControl(queues, results, prefix);
});

afterEach(async () => {
	await queues.close();
	redis.disconnect();
});

async function add(): Promise<string> {
	const id = randomUUID();
	await producer.add('detect', id, data, { urgency: 'normal' });
	return id;
}

describe('the event stream', () => {
	it('tells what happened to one job since an event of any job', async () => {
		const events = new JobEvents(queues);
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
		const events = new JobEvents(queues);
		expect(await events.lastId()).toBe('0-0');
		expect(await events.since('any', '1-1')).toBeUndefined();
		const id = await add();
		const early = await events.lastId();
		await add();
		await redis.xtrim(`${prefix}:detect:events`, 'MAXLEN', 1);
		expect(await events.since(id, early)).toBeUndefined();
	});

	it('is longer than one page', async () => {
		const events = new JobEvents(queues);
		const start = await add().then(() => events.lastId());
		const jobs = Array.from({ length: 1500 }, () => ({ id: randomUUID(), data }));
		await producer.addMany('detect', jobs);
		const last = jobs.at(-1)?.id ?? '';
		expect((await events.since(last, start))?.map(({ kind }) => kind)).toEqual(['queued']);
	});

	it('is followed live, and an end that no event told is found', async () => {
		const waiterRedis = connectConsumer(inject('redisUrl'), logger);
		const waiter = JobWaiter.start('detect', { redis: waiterRedis, prefix, results, logger });
		const id = randomUUID();
		const seen: JobStreamEvent[] = [];
		let onEnd: () => void = () => {};
		const ended = new Promise<void>((resolve) => {
			onEnd = resolve;
		});
		const unfollow = waiter.follow(id, (event) => {
			seen.push(event);
			if (event.kind === 'ended') onEnd();
		});
		await producer.add('detect', id, data, { urgency: 'normal' });
		const now = Date.now();
		await results.finish(id, {
			status: 'canceled',
			error: { code: 'canceled' },
			job: { owner: 'open', createdAt: now, finishedAt: now, attempts: 0 },
		});
		await ended;
		expect(seen.map(({ kind }) => kind)).toEqual(['queued', 'ended']);
		expect(seen.at(-1)?.id).toBeUndefined();
		unfollow();
		await waiter.close();
		waiterRedis.disconnect();
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
		const now = Date.now();
		const job = { owner: 'open', createdAt: now, finishedAt: now, attempts: 0, fingerprint: 'f' };
		await results.finish('b', { status: 'canceled', error: { code: 'canceled' }, job });
		expect(await fingerprints.find('f')).toBeUndefined();
		// Too late: nobody would take it away again.
		await fingerprints.register('f', 'b');
		expect(await fingerprints.find('f')).toBeUndefined();
		await fingerprints.register('f', 'c');
		expect(await fingerprints.find('f')).toBe('c');
	});
});
