import { type DetectJob, detectJobSchema } from '@facet/contracts';
import type { BackoffOptions } from 'bullmq';
import type { z } from 'zod';

interface JobTypes {
	detect: DetectJob;
}

export type JobName = keyof JobTypes;
export type JobData<Name extends JobName> = JobTypes[Name];

interface JobDefinition<Data> {
	/** BullMQ queue that carries the jobs. */
	readonly queue: string;
	readonly schema: z.ZodType<Data>;
	readonly backoff: BackoffOptions;
	/** How many workers may die on a job before it is given up as `worker_lost`. */
	readonly maxStalledCount: number;
}

/** Every kind of job there is. A worker does not start unless it has a handler for each. */
export const JOB_CATALOGUE: { readonly [Name in JobName]: JobDefinition<JobData<Name>> } = {
	detect: {
		queue: 'detect',
		schema: detectJobSchema,
		// 0.5-1 s, 1-2 s, 2-4 s: the first retries fit into the wait of a synchronous request.
		backoff: { type: 'exponential', delay: 1000, jitter: 0.5 },
		maxStalledCount: 2,
	},
};

/**
 * Who waits for a job decides its BullMQ priority: 0 goes before all, larger numbers later.
 * A client that holds a connection open goes before one that polls, and this one before a batch.
 */
export const PRIORITY = { sync: 0, async: 10, batch: 20 } as const;
export type Urgency = keyof typeof PRIORITY;
