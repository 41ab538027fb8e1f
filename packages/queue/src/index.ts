export { addBatchTasks } from './add-batch-tasks.ts';
export type { BatchRecord, NewBatch } from './batch-record.ts';
export { BatchStore } from './batch-store.ts';
export { type CallerLimits, type CallerRecord, CallerStore, currentSecrets } from './caller-store.ts';
export { JOB_CATALOGUE, type JobData, type JobName, type Urgency } from './catalogue.ts';
export { connectConsumer, connectProducer } from './connection.ts';
export { DeliveryQueue } from './delivery-queue.ts';
export { DeliveryStore } from './delivery-store.ts';
export {
	DetectConsumer,
	type DetectHandlerFunction,
	type JobContext,
} from './detect-consumer.ts';
export type { Place } from './fair-turns.ts';
export {
	IDEMPOTENCY_RENEWAL_MS,
	type IdempotencyClaim,
	type IdempotencyKey,
	IdempotencyStore,
} from './idempotency-store.ts';
export { JobsInFlight } from './in-flight.ts';
export { JobControl } from './job-control.ts';
export { compareEventIds, JobEvents, type JobStreamEvent } from './job-events.ts';
export { JobFingerprints } from './job-fingerprints.ts';
export { type IndexEntry, type IndexedJob, JobIndex } from './job-index.ts';
export { JobReader } from './job-reader.ts';
export { type RedisKeys, redisKeys } from './keys.ts';
export { OutboxDispatcher } from './outbox-dispatcher.ts';
export { type AddOptions, JobProducer, type NewJob, type QueueStatistics } from './producer.ts';
export { Queues } from './queues.ts';
export { checkRedisWritable, warnUnlessNoEviction } from './redis-health.ts';
export { RedisScript } from './redis-script.ts';
export { ResultStore } from './result-store.ts';
export { TaskConsumer, type TaskConsumerOptions, type TaskContext } from './task-consumer.ts';
export { type Expectation, JobWaiter } from './waiter.ts';
