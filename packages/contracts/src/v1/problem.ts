import { z } from 'zod';
import { type AppError, ERROR_CATALOGUE, errorRecordSchema } from '../errors.ts';
import { faultSchema } from '../fault.ts';

/** Every error of `/v1`: RFC 9457 problem details, with members of ours from `code` on. */
export const problemSchema = z
	.object({
		type: z
			.string()
			.meta({ description: 'Identifies the kind of problem: `urn:facet:problem:` and the code' }),
		title: z.string().meta({ description: 'The kind of problem in words; the same every time' }),
		status: z.int().meta({ description: 'HTTP status' }),
		detail: z.string().optional().meta({ description: 'This very problem: what was expected, what came' }),
		instance: z.string().meta({ description: 'Path of the request' }),
		code: errorRecordSchema.shape.code,
		retryable: z.boolean().meta({ description: 'Whether the same request may succeed later' }),
		request_id: z.string(),
		job_id: z.string().optional(),
		errors: z.array(faultSchema).optional().meta({ description: 'All faults, where there are several' }),
	})
	.meta({ id: 'Problem' });

export type Problem = z.infer<typeof problemSchema>;

export interface ProblemContext {
	/** Path of the request. */
	readonly instance: string;
	readonly requestId: string;
	readonly jobId?: string | undefined;
}

export function toProblem(error: AppError, { instance, requestId, jobId }: ProblemContext): Problem {
	const { code, status, retryable, detail, faults } = error;
	return {
		type: `urn:facet:problem:${code}`,
		title: ERROR_CATALOGUE[code].publicMessage,
		status,
		...(detail === undefined ? {} : { detail }),
		instance,
		code,
		retryable,
		request_id: requestId,
		...(jobId === undefined ? {} : { job_id: jobId }),
		...(faults === undefined ? {} : { errors: [...faults] }),
	};
}
