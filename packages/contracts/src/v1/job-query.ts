import { z } from 'zod';
import { JOB_STATUSES } from './job.ts';

/** Longest wait that a caller of `/v1` may ask for. */
export const MAX_WAIT_SECONDS = 60;
const MAX_PAGE = 100;

function wholeNumber(minimum: number, maximum: number) {
	const message = `a whole number from ${minimum} to ${maximum}`;
	return z
		.string()
		.regex(/^\d{1,4}$/, message)
		.transform(Number)
		.refine((number) => number >= minimum && number <= maximum, message);
}

/** Query of `GET /v1/jobs/{id}`. */
export const jobQuerySchema = z.strictObject({
	wait: wholeNumber(0, MAX_WAIT_SECONDS)
		.optional()
		.meta({ description: 'Seconds to wait for the end of the job, 0 to 60; 0 by default' }),
});

/** Query of `GET /v1/jobs`. */
export const jobListQuerySchema = z.strictObject({
	tag: z.string().min(1).max(128).optional().meta({ description: 'Only jobs with this tag' }),
	status: z.enum(JOB_STATUSES).optional().meta({ description: 'Only jobs in this state' }),
	cursor: z.string().max(512).optional().meta({ description: '`next_cursor` of the page before' }),
	limit: wholeNumber(1, MAX_PAGE)
		.optional()
		.meta({ description: 'Most jobs of a page, 1 to 100; 20 by default' }),
});

export type JobListQuery = z.infer<typeof jobListQuerySchema>;
