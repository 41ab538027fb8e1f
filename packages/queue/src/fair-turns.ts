import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { Urgency } from './catalogue.ts';
import { COUNT_WAITING, waitingKeys } from './count-waiting.ts';
import { redisKeys } from './keys.ts';
import { RedisScript } from './redis-script.ts';

/** BullMQ's `PRIORITY_LIMIT`; 0 would put a job before all that have a priority. */
const MAX_PRIORITY = 2 ** 21 - 1;
/** A priority is a turn times this, plus the digit of the urgency, so that a waiting job tells when its line came to it. */
const DIGITS = 8;
const MAX_TURN = Math.floor(MAX_PRIORITY / DIGITS);

/**
 * How many turns behind the present one a job lines up. A client that holds a connection open goes before one that polls,
 * and this one before a batch, but nobody waits for ever: after so many turns that went to others, the lines alternate.
 */
const HEAD_STARTS = {
	sync: { digit: 1, turns: 0 },
	high: { digit: 2, turns: 1000 },
	normal: { digit: 3, turns: 1100 },
	low: { digit: 4, turns: 1200 },
	batch: { digit: 5, turns: 3000 },
} as const satisfies Record<Urgency, { readonly digit: number; readonly turns: number }>;

/** The queue's state must not outlive its use. */
const KEPT_SECONDS = 86_400;

/**
 * Start-time fair queueing. Each caller has a line for each urgency; a job's turn is the one after the last of its line,
 * or the present one when the line was empty. The present turn is read off the job that is taken next. Turns only grow;
 * when they near BullMQ's largest priority, all of them are moved back.
 *
 * P. Goyal, H. M. Vin, H. Cheng: Start-Time Fair Queueing, SIGCOMM 1996.
 */
const TAKE_TURNS = `
local function takeTurns(turns, prioritized, line, count, headStart, headStarts)
	local digits, maxTurn, ttl = ${DIGITS}, ${MAX_TURN}, ${KEPT_SECONDS}
	local stored = redis.call('HMGET', turns, 'now', 'latest', line)
	local now, latest, lineEnd = tonumber(stored[1] or '0'), tonumber(stored[2] or '0'), tonumber(stored[3] or '0')
	local head = redis.call('ZRANGE', prioritized, 0, 0, 'WITHSCORES')
	local headTurn = 0
	if #head == 0 then
		-- Nobody waits, so nobody owes anything.
		now = latest
		if now > maxTurn / 2 then now = 0 end
		latest = now
		lineEnd = 0
		redis.call('DEL', turns)
	else
		local priority = math.floor(tonumber(head[2]) / SCORE)
		headTurn = math.floor(priority / digits)
		now = math.max(now, headTurn - (headStarts[tostring(priority % digits)] or 0))
	end
	local first = math.max(now, lineEnd)
	local back = math.min(now, headTurn)
	if first + headStart + count > maxTurn and back > maxTurn / 4 then
		local size = redis.call('ZCARD', prioritized)
		for from = 0, size - 1, 1000 do
			local page = redis.call('ZRANGE', prioritized, from, from + 999, 'WITHSCORES')
			for i = 1, #page, 2 do
				redis.call('ZADD', prioritized, string.format('%.0f', tonumber(page[i + 1]) - back * digits * SCORE), page[i])
			end
		end
		local fields = redis.call('HGETALL', turns)
		for i = 1, #fields, 2 do
			redis.call('HSET', turns, fields[i], string.format('%.0f', math.max(0, tonumber(fields[i + 1]) - back)))
		end
		now, first, latest = now - back, first - back, math.max(0, latest - back)
	end
	latest = math.max(latest, first + count - 1)
	redis.call('HSET', turns, 'now', now, 'latest', latest, line, first + count)
	redis.call('EXPIRE', turns, ttl)
	return first
end
`;

/**
 * Takes turns for jobs that are to be added, if no more than so many wait.
 *
 * Answers how many wait; then, unless that is too many, the first turn; and how many jobs are taken before the one of that turn.
 */
const JOIN = new RedisScript(`
local SCORE = 0x100000000
${COUNT_WAITING}
${TAKE_TURNS}
local turns, wait, prioritized, delayed, unexpanded = unpack(KEYS)
local line, digit, count, headStart, maxWaiting = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local waiting = countWaiting(wait, prioritized, delayed, unexpanded)
if maxWaiting ~= '' and waiting >= tonumber(maxWaiting) then return {waiting} end
local first = takeTurns(turns, prioritized, line, count, headStart, cjson.decode(ARGV[6]))
local behind = ((first + headStart) * ${DIGITS} + digit + 1) * SCORE
local ahead = redis.call('LLEN', wait) + redis.call('ZCOUNT', prioritized, '-inf', string.format('(%.0f', behind))
return {waiting, first, ahead}
`);

const OFFSETS_BY_DIGIT = JSON.stringify(
	Object.fromEntries(Object.values(HEAD_STARTS).map(({ digit, turns }) => [digit, turns])),
);

/** A place in the queue, taken before the job is there. */
export interface Place {
	/** BullMQ's priority of the job. */
	readonly priority: number;
	/** Jobs that are taken before it, as of the moment that the place was taken. */
	readonly ahead: number;
}

export interface Joining {
	readonly owner: string;
	readonly urgency: Urgency;
	/** New jobs. */
	readonly count: number;
	/** No place is taken when so many jobs wait, of all callers; by default whatever waits. */
	readonly maxWaiting?: number | undefined;
}

export interface Joined {
	/** Jobs that waited before. */
	readonly waiting: number;
	/** The places of the new jobs, in their order; none when too many wait. */
	readonly places: readonly Place[];
}

const joinedSchema = z.union([
	z.tuple([z.int()]).transform(([waiting]) => ({ waiting, first: undefined })),
	z.tuple([z.int(), z.int(), z.int()]).transform(([waiting, first, ahead]) => ({ waiting, first, ahead })),
]);

/** Takes turns for a caller's new jobs, so that callers alternate however many jobs each has waiting. */
export async function joinQueue(
	queue: Queue,
	redis: Redis,
	{ owner, urgency, count, maxWaiting }: Joining,
): Promise<Joined> {
	const { digit, turns } = HEAD_STARTS[urgency];
	const joined = joinedSchema.parse(
		await JOIN.run(
			redis,
			[redisKeys(queue.opts.prefix ?? '').turns, ...waitingKeys(queue)],
			[`${owner}:${digit}`, digit, count, turns, maxWaiting ?? '', OFFSETS_BY_DIGIT],
		),
	);
	const { waiting, first } = joined;
	if (first === undefined) return { waiting, places: [] };
	return {
		waiting,
		places: Array.from({ length: count }, (_, place) => ({
			// Behind the last turn there is there are no more lines, only one.
			priority: Math.min(MAX_PRIORITY, (first + place + turns) * DIGITS + digit),
			ahead: joined.ahead + place,
		})),
	};
}

/** Whether a client holds a connection open for the job that has this place in the queue. */
export function isAwaited({ priority }: Pick<Place, 'priority'>): boolean {
	return priority % DIGITS === HEAD_STARTS.sync.digit;
}

/** About how many jobs of a caller wait: the turns that its lines have taken and that have not come yet. */
export async function turnsAhead(queue: Queue, redis: Redis, owner: string): Promise<number> {
	const lines = Object.values(HEAD_STARTS).map(({ digit }) => `${owner}:${digit}`);
	const [[, score] = [], [now, ...ends]] = await Promise.all([
		redis.zrange(queue.keys.prioritized ?? '', '0', '0', 'WITHSCORES'),
		redis.hmget(redisKeys(queue.opts.prefix ?? '').turns, 'now', ...lines),
	]);
	if (score === undefined) return 0;
	const priority = Math.floor(Number(score) / 2 ** 32);
	const headStart = Object.values(HEAD_STARTS).find(({ digit }) => digit === priority % DIGITS);
	const present = Math.max(Number(now ?? 0), Math.floor(priority / DIGITS) - (headStart?.turns ?? 0));
	return ends.reduce((sum, end) => sum + Math.max(0, Number(end ?? 0) - present), 0);
}
