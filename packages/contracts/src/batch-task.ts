import { z } from 'zod';

/** Work on a whole batch, too long for a request: a worker does it, and does it again after a crash without harm. */
export const batchTaskSchema = z.object({
	kind: z.enum(['expand', 'cancel', 'erase']),
	batchId: z.string().min(1),
});

export type BatchTask = z.infer<typeof batchTaskSchema>;
