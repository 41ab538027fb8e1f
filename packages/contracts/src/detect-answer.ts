import { z } from 'zod';
import type { DetectFailure, DetectSuccess } from './detect-response.ts';
import { errorRecordSchema } from './errors.ts';
import { frameSchema } from './v1/job.ts';

/** The answers of `POST /detect_faces` as schemas, for who describes or checks them; the types are the contract's. */

const facesFrameSchema = frameSchema
	.omit({ scores: true, track_ids: true, landmarks_68: true, pose: true, quality: true })
	.meta({ id: 'FacesFrame' });

export const detectSuccessSchema = z
	.object({
		error_code: z.literal(0),
		error_msg: z.literal('SUCCESS'),
		faces_obj: z
			.record(z.string(), facesFrameSchema)
			.meta({ description: 'Frames by their index in the video; "0" for a photo' }),
	})
	.meta({ id: 'DetectFacesAnswer' }) satisfies z.ZodType<DetectSuccess>;

export const detectFailureSchema = z
	.object({
		error_code: z.literal(1),
		error_msg: z.string().meta({ description: 'In the words of the documented API' }),
		faces_obj: z.strictObject({}),
		error: z.object({
			code: errorRecordSchema.shape.code,
			retryable: z.boolean().meta({ description: 'Whether the same request may succeed later' }),
			detail: z.string().optional().meta({ description: 'What was expected, what came' }),
			job_id: z.string().optional(),
		}),
	})
	.meta({ id: 'DetectFacesError' }) satisfies z.ZodType<DetectFailure>;
