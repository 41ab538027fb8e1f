import { z } from 'zod';
import { detectOptionsSchema } from './detect-request.ts';
import { detectResultSchema } from './detect-result.ts';
import { errorRecordSchema } from './errors.ts';

/** Data of a `detect` job: a pointer to the media and the options, a few hundred bytes; never the bytes themselves. */
export const detectJobSchema = z.object({
	source: z.discriminatedUnion('kind', [
		z.object({ kind: z.literal('url'), url: z.url() }),
		z.object({ kind: z.literal('object'), key: z.string().min(1) }),
	]),
	options: detectOptionsSchema,
	/** `X-Request-Id` of the request that made the job, for the logs. */
	requestId: z.string().optional(),
});

/** The final word on a job, as the result store keeps it. */
export const jobOutcomeSchema = z.discriminatedUnion('status', [
	z.object({ status: z.literal('succeeded'), result: detectResultSchema }),
	z.object({
		status: z.literal('failed'),
		error: errorRecordSchema,
	}),
]);

export type DetectJob = z.infer<typeof detectJobSchema>;
export type JobOutcome = z.infer<typeof jobOutcomeSchema>;
