import { z } from 'zod';

/** One of several faults of a request. */
export const faultSchema = z
	.object({
		detail: z.string().meta({ description: 'What was expected and what came' }),
		pointer: z
			.string()
			.optional()
			.meta({ description: 'Where: a JSON pointer into the body, or the name of a parameter' }),
		line: z.int().positive().optional().meta({ description: 'Line of a body in NDJSON, from 1' }),
	})
	.meta({ id: 'Fault' });

export type Fault = z.infer<typeof faultSchema>;
