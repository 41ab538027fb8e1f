import { promisify } from 'node:util';
import { gunzip, gunzipSync, gzip, gzipSync } from 'node:zlib';
import { type JobOutcome, jobOutcomeSchema, type WebhookMessage } from '@facet/contracts';
import type { Redis } from 'ioredis';
import { type RedisKeys, redisKeys } from './keys.ts';
import { RedisScript } from './redis-script.ts';

const compressElsewhere = promisify(gzip);
const decompressElsewhere = promisify(gunzip);
/**
 * Of a result of 15 kB, with all landmarks, little more than half of the time of level 3, for 1 % more bytes; of a photo's
 * 1.6 kB there is no difference worth it. Small tables, since zlib makes them anew for each outcome: of a quarter of a megabyte by
 * default.
 */
const COMPRESSION = { level: 1, windowBits: 13, memLevel: 6, chunkSize: 4096 } as const;
/** zlib makes room for as much anew for each outcome; most are of half that size. */
const DECOMPRESSION = { chunkSize: 4096 } as const;
/** Largest outcome, packed, that is told to those who wait, so that they need not ask for it: most photos' are. */
const LARGEST_TOLD = 4096;
/** Bytes, packed and not, up to which zlib takes less time than it takes to hand them to another thread and back. */
const SMALL = { packed: 16_384, unpacked: 32_768 } as const;

/** Stands in place of an erased outcome: nothing to show, and no run of the job may write another. */
const ERASED = 'erased';
const ERASED_BYTES = Buffer.from(ERASED);
/** Longer than any run of a job that was erased under way may go on. */
const ERASED_TTL_SECONDS = 86_400;

/**
 * Writes an outcome unless there is one, and with it all that hangs on a job's end, so that none of it is there without
 * the other: the webhook's message, the batch's counters, the caller's jobs in flight. Whoever waits is told at once.
 */
const FINISH = new RedisScript(`
local result, outbox, inFlight, fingerprint, deadlines, batch, running = unpack(KEYS)
local outcome, ttl, jobId, status, message, counted, batched, now, channel = unpack(ARGV)
if not redis.call('SET', result, outcome, 'EX', ttl, 'NX') then return 0 end
if message ~= '' then redis.call('RPUSH', outbox, message) end
if counted == '1' and tonumber(redis.call('GET', inFlight) or '0') > 0 then redis.call('DECR', inFlight) end
if redis.call('GET', fingerprint) == jobId then redis.call('DEL', fingerprint) end
redis.call('ZREM', deadlines, jobId)
if batched == '1' and redis.call('EXISTS', batch) == 1 then
	redis.call('SREM', running, jobId)
	redis.call('HINCRBY', batch, status, 1)
	local done = redis.call('HINCRBY', batch, 'done', 1)
	if done == tonumber(redis.call('HGET', batch, 'total')) then
		redis.call('HSET', batch, 'completedAt', now)
		redis.call('EXPIRE', batch, ttl)
		local completed = redis.call('HGET', batch, 'completedMessage')
		if completed then
			redis.call('RPUSH', outbox, (string.gsub(completed, '"timestamp":0', '"timestamp":' .. now)))
		end
	end
end
local told = #outcome <= ${LARGEST_TOLD} and outcome or ''
redis.call('PUBLISH', channel, jobId .. '\\n' .. told)
return 1
`);

/** A job's end, as it is told to those who wait. */
export interface ToldEnd {
	readonly jobId: string;
	/** The outcome, packed; undefined for a large one. */
	readonly packed: Buffer | undefined;
}

/** Reads a message of the channel on which ends are told. */
export function parseEnd(message: Buffer): ToldEnd {
	const end = message.indexOf('\n');
	const packed = message.subarray(end + 1);
	return { jobId: message.toString('latin1', 0, end), packed: packed.length === 0 ? undefined : packed };
}

/** What a batch's hash must hold for `FINISH` to announce its end: a message whose `timestamp` is 0, to be filled in. */
export type BatchCompletedMessage = WebhookMessage & { readonly timestamp: 0 };

/**
 * The final word on every job: a compressed Redis key with a time to live, which is written once.
 *
 * Results are kept beside the queue and not as BullMQ return values, because BullMQ copies these into its event stream.
 */
export class ResultStore {
	readonly #redis: Redis;
	readonly #keys: RedisKeys;
	/** How long outcomes are kept. */
	readonly ttlSeconds: number;

	constructor(redis: Redis, options: { readonly prefix: string; readonly ttlSeconds: number }) {
		this.#redis = redis;
		this.#keys = redisKeys(options.prefix);
		this.ttlSeconds = options.ttlSeconds;
	}

	/**
	 * Ends a job. The first outcome stands.
	 *
	 * @returns whether it was this one.
	 */
	async finish(jobId: string, outcome: JobOutcome): Promise<boolean> {
		const { owner, fingerprint = '', batchId, counted, finishedAt } = outcome.job;
		const keys = this.#keys;
		const reply = await FINISH.run(
			this.#redis,
			[
				keys.result(jobId),
				keys.outbox,
				keys.inFlight(owner),
				keys.fingerprint(fingerprint),
				keys.deadlines,
				keys.batch(batchId ?? ''),
				keys.batchRunning(batchId ?? ''),
			],
			[
				await compress(JSON.stringify(outcome)),
				this.ttlSeconds,
				jobId,
				outcome.status,
				JSON.stringify(messageOf(jobId, outcome)) ?? '',
				counted ? '1' : '0',
				batchId === undefined ? '0' : '1',
				finishedAt,
				keys.ended,
			],
		);
		return reply === 1;
	}

	/** The outcome, or undefined while there is none, after it has expired and after it was erased. */
	async get(jobId: string): Promise<JobOutcome | undefined> {
		const outcome = await this.look(jobId);
		return outcome === 'erased' ? undefined : outcome;
	}

	/** As `get`, but tells a job that was erased from one that has not ended. */
	async look(jobId: string): Promise<JobOutcome | 'erased' | undefined> {
		const stored = await this.#redis.getBuffer(this.#keys.result(jobId));
		return stored?.equals(ERASED_BYTES) ? 'erased' : readOutcome(stored);
	}

	/** An outcome that was told. @throws Error for one of another version of us. */
	async unpack({ packed }: ToldEnd): Promise<JobOutcome | undefined> {
		return packed === undefined ? undefined : readOutcome(packed);
	}

	/** The outcomes of several jobs, in one round trip. */
	async getMany(jobIds: readonly string[]): Promise<(JobOutcome | undefined)[]> {
		if (jobIds.length === 0) return [];
		const stored = await this.#redis.mgetBuffer(jobIds.map((jobId) => this.#keys.result(jobId)));
		return Promise.all(stored.map(readOutcome));
	}

	/** Those of the given jobs that have ended, erased ones included, in one round trip. */
	async ended(jobIds: readonly string[]): Promise<string[]> {
		const pipeline = this.#redis.pipeline();
		for (const jobId of jobIds) pipeline.exists(this.#keys.result(jobId));
		const replies = (await pipeline.exec()) ?? [];
		return jobIds.filter((_, index) => replies[index]?.[1] === 1);
	}

	/** Forgets what came of a job that has ended. A run of it that is still under way finds that it is too late. */
	async erase(jobId: string): Promise<void> {
		await this.#redis.set(this.#keys.result(jobId), ERASED, 'EX', ERASED_TTL_SECONDS);
	}
}

async function compress(json: string): Promise<Buffer> {
	return json.length <= SMALL.unpacked ? gzipSync(json, COMPRESSION) : compressElsewhere(json, COMPRESSION);
}

async function readOutcome(stored: Buffer | null): Promise<JobOutcome | undefined> {
	if (stored === null || stored.equals(ERASED_BYTES)) return undefined;
	const json =
		stored.length <= SMALL.packed ? gunzipSync(stored, DECOMPRESSION) : await decompressElsewhere(stored);
	return jobOutcomeSchema.parse(JSON.parse(json.toString()));
}

/** The message to whoever wants to hear of this end. */
function messageOf(jobId: string, { status, job }: JobOutcome): WebhookMessage | undefined {
	const type = `detection.${status}` as const;
	if (job.webhook === undefined || !(job.webhook.events?.includes(type) ?? true)) return undefined;
	return {
		id: `msg_${jobId}`,
		type,
		url: job.webhook.url,
		owner: job.owner,
		subject: jobId,
		timestamp: job.finishedAt,
	};
}
