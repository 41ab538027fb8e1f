import { z } from 'zod';
import { JOB_EVENTS } from '../webhook-event.ts';
import { batchSchema } from './batch.ts';
import { jobSchema } from './job.ts';

/** Bodies of webhooks as their receivers see them. */

const timestamp = z.iso.datetime().meta({ description: 'When it happened' });

/** A job has ended. */
export const detectionEventSchema = z
	.object({
		type: z.enum(JOB_EVENTS),
		timestamp,
		data: jobSchema.partial({ result: true }).extend({
			result_url: z.string().optional().meta({
				description: 'In place of `result` when the message would be 20 kB or more: where to GET the job',
			}),
		}),
	})
	.meta({ id: 'DetectionEvent' });

/** Every item of a batch has ended. */
export const batchEventSchema = z
	.object({ type: z.literal('batch.completed'), timestamp, data: batchSchema })
	.meta({ id: 'BatchEvent' });

/** Somebody asked for it by `POST /v1/webhooks/test`. */
export const testEventSchema = z
	.object({ type: z.literal('webhook.test'), timestamp, data: z.object({ message: z.string() }) })
	.meta({ id: 'TestEvent' });
