import {
	type BatchTask,
	batchTaskSchema,
	type DetectJob,
	detectJobSchema,
	type WebhookMessage,
	webhookMessageSchema,
} from '@facet/contracts';
import type { BackoffOptions } from 'bullmq';
import type { z } from 'zod';

interface JobTypes {
	detect: DetectJob;
	deliver: WebhookMessage;
	batch: BatchTask;
}

export type JobName = keyof JobTypes;
export type JobData<Name extends JobName> = JobTypes[Name];

interface JobDefinition<Name extends JobName> {
	/** BullMQ queue that carries the jobs. */
	readonly queue: string;
	/** What was left out of the data gets its default. */
	readonly schema: z.ZodType<JobData<Name>, unknown>;
	/** Pause before another run; `custom` leaves it to the consumer. */
	readonly backoff: BackoffOptions;
}

/** 0.5-1 s, 1-2 s, 2-4 s: the first retries fit into the wait of a synchronous request. */
const QUICK_RETRIES: BackoffOptions = { type: 'exponential', delay: 1000, jitter: 0.5 };

/** Every kind of job there is. A worker does not start unless it has a handler for each. */
export const JOB_CATALOGUE: { readonly [Name in JobName]: JobDefinition<Name> } = {
	detect: { queue: 'detect', schema: detectJobSchema, backoff: QUICK_RETRIES },
	deliver: { queue: 'deliver', schema: webhookMessageSchema, backoff: { type: 'custom' } },
	batch: { queue: 'batch', schema: batchTaskSchema, backoff: QUICK_RETRIES },
};

/** Who waits for a job: a client that holds a connection open, one that polls, or a batch; see `joinQueue`. */
export type Urgency = 'sync' | 'high' | 'normal' | 'low' | 'batch';
