import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { expect } from 'vitest';
import type { Facet } from '../support/facet.ts';

const QUEUES = ['detect', 'deliver', 'batch'];
/** Lists and sets of BullMQ that are empty when nothing is left to do. */
const WORK = ['wait', 'active', 'prioritized', 'delayed', 'stalled', 'paused', 'waiting-children'];
/** What BullMQ keeps of each queue, and what it bounds by count: finished jobs and the event stream. */
const KEPT = /^(detect|deliver|batch):(meta|id|events|marker|completed|failed|stalled-check|pc|[\w.-]+)$/;
/** In one step: a job that goes from one list to another meanwhile would be seen in neither. */
const COUNT_ALL = `
local sizes = { list = 'LLEN', zset = 'ZCARD', set = 'SCARD' }
local sum = 0
for _, key in ipairs(KEYS) do
	local size = sizes[redis.call('TYPE', key).ok]
	if size then sum = sum + redis.call(size, key) end
end
return sum
`;
/** BullMQ keeps so many finished jobs of each outcome. */
const MOST_FINISHED = 2 * 1000;

/**
 * Checks that nothing is left in Redis that time does not take away: no work, no locks, no messages, no counters.
 *
 * @returns the number of keys without a time to live.
 */
export async function expectNothingInRedis(redis: Redis, prefix: string): Promise<number> {
	const keys = QUEUES.flatMap((queue) => WORK.map((name) => `${prefix}:${queue}:${name}`));
	const leftToDo = () => redis.eval(COUNT_ALL, keys.length + 1, ...keys, `${prefix}:outbox`);
	await expect.poll(leftToDo, { timeout: 30_000 }).toBe(0);
	let forEver = 0;
	const strange: string[] = [];
	for (const key of await keysOf(redis, prefix)) {
		const name = key.slice(prefix.length + 1);
		if (/^(lone|inflight|deadlines|unexpanded)/.test(name) || name.endsWith(':lock')) strange.push(name);
		if ((await redis.ttl(key)) !== -1) continue;
		forEver += 1;
		if (!KEPT.test(name)) strange.push(name);
	}
	expect(strange).toEqual([]);
	expect(forEver).toBeLessThan(QUEUES.length * (MOST_FINISHED + 10));
	return forEver;
}

/**
 * Makes what killed workers left half-written in the store so old that it is nobody's any more: a worker that starts takes
 * away what is an hour old, since others may share the store.
 */
export async function ageHalfWritten(facet: Facet): Promise<void> {
	const directory = join(facet.storageDirectory, '.tmp');
	const longAgo = new Date(Date.now() - 2 * 3_600_000);
	for (const name of await readdir(directory)) await utimes(join(directory, name), longAgo, longAgo);
}

/**
 * Checks that no temporary file and no process of ffmpeg is left. All workers have been told to stop; what those that were
 * killed left behind went when the next one started.
 */
export async function expectNothingOnDisk(facet: Facet): Promise<void> {
	await expect.poll(() => facet.temporaryFiles(), { timeout: 10_000 }).toEqual([]);
	expect(await facet.processesOnTemporaryFiles()).toEqual([]);
}

async function keysOf(redis: Redis, prefix: string): Promise<string[]> {
	const keys: string[] = [];
	for await (const page of redis.scanStream({ match: `${prefix}:*`, count: 1000 })) {
		keys.push(...(page as string[]));
	}
	return keys;
}
