import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { redisKeys } from './keys.ts';
import { RedisScript } from './redis-script.ts';

/**
 * A function of Lua: how many jobs of the queue wait, items of accepted batches that are not on the queue yet among them. In
 * a script, so that no item is missed on its way from its batch to the queue.
 */
export const COUNT_WAITING = `
local function countWaiting(wait, prioritized, delayed, unexpanded)
	local count = redis.call('LLEN', wait) + redis.call('ZCARD', prioritized) + redis.call('ZCARD', delayed)
	for _, left in ipairs(redis.call('HVALS', unexpanded)) do count = count + tonumber(left) end
	return count
end
`;

const SCRIPT = new RedisScript(`${COUNT_WAITING} return countWaiting(unpack(KEYS))`);

/** The keys that `countWaiting` takes, in its order. */
export function waitingKeys({ keys, opts }: Queue): string[] {
	const { unexpandedBatches } = redisKeys(opts.prefix ?? '');
	return [keys.wait ?? '', keys.prioritized ?? '', keys.delayed ?? '', unexpandedBatches];
}

export async function countWaiting(queue: Queue, redis: Redis): Promise<number> {
	return Number(await SCRIPT.run(redis, waitingKeys(queue), []));
}
