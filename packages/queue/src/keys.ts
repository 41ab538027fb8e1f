/** Names of Facet's own keys in Redis, all under the queue's prefix and so in one slot of a cluster. */
export const redisKeys = (prefix: string) => ({
	/** Hash: callers with a stored key, by the SHA-256 of it. */
	callers: `${prefix}:keys`,
	/** Hash: the SHA-256 of a caller's key, by the caller's id. */
	callerDigests: `${prefix}:keys:ids`,
	/** Prefix of counters: a caller's requests in this minute. */
	rates: `${prefix}:rate`,
	/** String: the final word on a job, or what is left of an erased one. */
	result: (jobId: string) => `${prefix}:result:${jobId}`,
	/** Channel: ids of jobs, when their outcome is written, and small outcomes. */
	ended: `${prefix}:ended`,
	/** String: a worker runs the job with no other beside it, or was lost while it did. */
	loneRun: (jobId: string) => `${prefix}:lone:${jobId}`,
	/** Hash: the turns of callers' jobs in the queue `detect`, see `joinQueue`. */
	turns: `${prefix}:turns`,
	/** List of webhook messages that no queue has yet. */
	outbox: `${prefix}:outbox`,
	/** Counter: jobs of a caller that have not ended. */
	inFlight: (owner: string) => `${prefix}:inflight:${owner}`,
	/** Sorted set: a caller's jobs by the time they were made. */
	jobs: (owner: string) => `${prefix}:jobs:${owner}`,
	/** Sorted set: those of them with a tag. */
	taggedJobs: (owner: string, tag: string) => `${prefix}:jobs:${owner}:${tag}`,
	/** String: the unfinished job that an identical request may share. */
	fingerprint: (fingerprint: string) => `${prefix}:same:${fingerprint}`,
	/** Hash: what a caller's request with this idempotency key has made. */
	idempotency: (owner: string, key: string) => `${prefix}:idempotency:${owner}:${key}`,
	/** Sorted set: unfinished jobs by their deadline. */
	deadlines: `${prefix}:deadlines`,
	/** Hash: facts and counters of a batch. Its id must not be that of a job in the queue `batch`, whose keys are these. */
	batch: (batchId: string) => `${prefix}:batch:${batchId}`,
	/** Set: items of a batch that a worker holds. */
	batchRunning: (batchId: string) => `${prefix}:batch:${batchId}:running`,
	/** Sorted set: a caller's batches by the time they were made. */
	batches: (owner: string) => `${prefix}:batches:${owner}`,
	/** Hash: how many items of a batch no queue has yet, by the batch's id. */
	unexpandedBatches: `${prefix}:unexpanded`,
});

export type RedisKeys = ReturnType<typeof redisKeys>;
