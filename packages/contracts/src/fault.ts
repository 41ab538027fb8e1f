import { z } from 'zod';

/** One of several faults of a request. */
export const faultSchema = z.object({
	/** What was expected and what came. */
	detail: z.string(),
	/** Where: a JSON pointer into the body, or the name of a parameter. */
	pointer: z.string().optional(),
	/** Line of a body in NDJSON, from 1. */
	line: z.int().positive().optional(),
});

export type Fault = z.infer<typeof faultSchema>;
