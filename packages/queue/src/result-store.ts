import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { type JobOutcome, jobOutcomeSchema } from '@facet/contracts';
import type { Redis } from 'ioredis';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/**
 * The final word on every job: a compressed Redis key with a time to live.
 *
 * Results are kept beside the queue and not as BullMQ return values, because BullMQ copies these into its event stream.
 */
export class ResultStore {
	readonly #redis: Redis;
	readonly #prefix: string;
	readonly #ttlSeconds: number;

	constructor(redis: Redis, options: { readonly prefix: string; readonly ttlSeconds: number }) {
		this.#redis = redis;
		this.#prefix = options.prefix;
		this.#ttlSeconds = options.ttlSeconds;
	}

	/** Writes the outcome. A second run of a job overwrites the first with the same. */
	async put(jobId: string, outcome: JobOutcome): Promise<void> {
		await this.#redis.set(this.#key(jobId), await compress(JSON.stringify(outcome)), 'EX', this.#ttlSeconds);
	}

	/** The outcome, or undefined while there is none or after it has expired. */
	async get(jobId: string): Promise<JobOutcome | undefined> {
		const stored = await this.#redis.getBuffer(this.#key(jobId));
		if (stored === null) return undefined;
		return jobOutcomeSchema.parse(JSON.parse((await decompress(stored)).toString()));
	}

	/** Those of the given jobs that have an outcome, in one round trip. */
	async finished(jobIds: readonly string[]): Promise<string[]> {
		const pipeline = this.#redis.pipeline();
		for (const jobId of jobIds) pipeline.exists(this.#key(jobId));
		const replies = (await pipeline.exec()) ?? [];
		return jobIds.filter((_, index) => replies[index]?.[1] === 1);
	}

	#key(jobId: string): string {
		return `${this.#prefix}:result:${jobId}`;
	}
}
