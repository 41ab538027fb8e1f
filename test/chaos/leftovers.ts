import type { Redis } from 'ioredis';
import { expect } from 'vitest';
import type { Facet } from '../support/facet.ts';

const QUEUES = ['detect', 'deliver', 'batch'];
/** Lists and sets of BullMQ that are empty when nothing is left to do. */
const WORK = ['wait', 'active', 'prioritized', 'delayed', 'stalled', 'paused', 'waiting-children'];
/** What BullMQ keeps of each queue, and what it bounds by count: finished jobs and the event stream. */
const KEPT = /^(detect|deliver|batch):(meta|id|events|marker|completed|failed|stalled-check|pc|[\w.-]+)$/;
/** BullMQ keeps so many finished jobs of each outcome. */
const MOST_FINISHED = 2 * 1000;

/**
 * Checks that nothing is left in Redis that time does not take away: no work, no locks, no messages, no counters.
 *
 * @returns the number of keys without a time to live.
 */
export async function expectNothingInRedis(redis: Redis, prefix: string): Promise<number> {
	const idle = async () => {
		const sizes = await Promise.all(
			QUEUES.flatMap((queue) =>
				WORK.map(async (name) => {
					const key = `${prefix}:${queue}:${name}`;
					const type = await redis.type(key);
					if (type === 'list') return redis.llen(key);
					if (type === 'zset') return redis.zcard(key);
					return type === 'set' ? redis.scard(key) : 0;
				}),
			),
		);
		const outbox = await redis.llen(`${prefix}:outbox`);
		return [...sizes, outbox].reduce((sum, size) => sum + size, 0);
	};
	await expect.poll(idle, { timeout: 30_000 }).toBe(0);
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
