export { JOB_CATALOGUE, type JobData, type JobName, type Urgency } from './catalogue.ts';
export { connectConsumer, connectProducer } from './connection.ts';
export { JobConsumer, type JobContext, type JobHandler } from './consumer.ts';
export { JobProducer, type QueueStatistics } from './producer.ts';
export { checkRedisWritable, warnUnlessNoEviction } from './redis-health.ts';
export { ResultStore } from './result-store.ts';
export { type Expectation, JobWaiter } from './waiter.ts';
