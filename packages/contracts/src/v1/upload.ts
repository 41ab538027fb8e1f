import { z } from 'zod';
import { parseFields } from './job-request.ts';
import { uploadIdSchema } from './upload-id.ts';

/** Body of `POST /v1/uploads`. Unknown fields are refused. */
export const uploadRequestSchema = z
	.strictObject({
		content_length: z.int().min(1).optional().meta({
			description: 'Length of the file in bytes, when it is known: the link then takes no other',
		}),
		content_type: z
			.string()
			.min(1)
			.max(127)
			.optional()
			.meta({
				description:
					'The `Content-Type` that the upload will have: `image/…`, `video/…` or `application/octet-stream`, the ' +
					'default. What the file is, is decided by its bytes.',
			}),
	})
	.meta({ id: 'UploadRequest' });

/** Answer of `POST /v1/uploads`: send the file by this request, then submit jobs with `upload_id` in place of `url`. */
export const uploadSchema = z
	.strictObject({
		upload_id: uploadIdSchema,
		method: z.literal('PUT'),
		url: z.url(),
		headers: z.record(z.string(), z.string()).meta({ description: 'Headers to send, exactly as they are' }),
		expires_at: z.iso.datetime().meta({ description: 'When the upload must have begun' }),
		max_bytes: z.int().positive().meta({ description: 'Largest file that a job may have' }),
	})
	.meta({ id: 'Upload' });

export type UploadRequest = z.infer<typeof uploadRequestSchema>;
export type Upload = z.infer<typeof uploadSchema>;

/** @throws AppError `invalid_request` with every fault. */
export function parseUploadRequest(body: unknown): UploadRequest {
	return parseFields(uploadRequestSchema, body);
}
