import { z } from 'zod';
import { detectOptionsSchema } from './detect-request.ts';
import { detectResultSchema } from './detect-result.ts';
import { errorRecordSchema } from './errors.ts';
import { webhookTargetSchema } from './webhook-event.ts';

/** What `/v1` answers beside the documented fields, when a job was submitted with `include`. */
export const EXTRAS = ['scores', 'track_ids', 'persons', 'landmarks_68', 'pose', 'quality'] as const;

/** The caller of a service without keys. */
export const OPEN_CALLER = 'open';

/** What is known of a job beside its media: enough to show it, and to tell who needs to hear of its end. */
const jobFactsSchema = z.object({
	/** Id of the caller that the job belongs to. */
	owner: z.string().min(1).default(OPEN_CALLER),
	/** The caller's own label. */
	tag: z.string().optional(),
	include: z.array(z.enum(EXTRAS)).optional(),
	webhook: webhookTargetSchema.optional(),
	/** The batch that the job is an item of. */
	batchId: z.string().optional(),
	/** When the job is ended as expired if it has not ended by itself, in milliseconds since the epoch. */
	deadline: z.int().optional(),
	/** Digest of caller, media and options, under which an identical request finds the job while it is unfinished. */
	fingerprint: z.string().optional(),
	/** Whether the job counts among its caller's jobs in flight, which only those with a limit have counted. */
	counted: z.boolean().optional(),
});

/** Data of a `detect` job: a pointer to the media and the options, a few hundred bytes; never the bytes themselves. */
export const detectJobSchema = jobFactsSchema.extend({
	source: z.discriminatedUnion('kind', [
		z.object({ kind: z.literal('url'), url: z.url() }),
		z.object({
			kind: z.literal('object'),
			key: z.string().min(1),
			/** Whether the object outlives the job: an upload may be used again. */
			keep: z.boolean().optional(),
		}),
	]),
	options: detectOptionsSchema,
	/** `X-Request-Id` of the request that made the job, for the logs. */
	requestId: z.string().optional(),
});

/** The facts with what the job's runs have added; times in milliseconds since the epoch. */
const endedJobSchema = jobFactsSchema.extend({
	createdAt: z.int(),
	/** Start of the last run; absent for a job that never ran. */
	startedAt: z.int().optional(),
	finishedAt: z.int(),
	/** Runs, the last one included. */
	attempts: z.int().nonnegative(),
});

/**
 * The final word on a job, as the result store keeps it: written once, by whoever ends the job. `canceled` and `expired`
 * carry an error too, for those who wait for a result.
 */
export const jobOutcomeSchema = z.discriminatedUnion('status', [
	z.object({ status: z.literal('succeeded'), result: detectResultSchema, job: endedJobSchema }),
	z.object({
		status: z.enum(['failed', 'canceled', 'expired']),
		error: errorRecordSchema,
		job: endedJobSchema,
	}),
]);

export type Extra = (typeof EXTRAS)[number];
export type JobFacts = z.infer<typeof jobFactsSchema>;
export type EndedJob = z.infer<typeof endedJobSchema>;
export type DetectJob = z.infer<typeof detectJobSchema>;
/** As a producer writes it: what has a default may be left out. */
export type DetectJobInput = z.input<typeof detectJobSchema>;
export type JobOutcome = z.infer<typeof jobOutcomeSchema>;
/** The ways in which a job ends. */
export type FinalStatus = JobOutcome['status'];
/** A job's state as callers see it. */
export type JobStatus = 'queued' | 'processing' | FinalStatus;
