import { z } from 'zod';
import { describeIssue } from '../detect-request.ts';
import { AppError } from '../errors.ts';

/** `upl_` and 128 random bits in base64url. Only its owner can use it: the owner is a part of where the bytes are. */
export const uploadIdSchema = z
	.string()
	.regex(/^upl_[A-Za-z0-9_-]{22}$/, 'the id of an upload')
	.meta({
		description: 'Names an upload; only who made it can use it',
		examples: ['upl_4kVb2yFf1mYw8o0nJqPz3A'],
	});

/** Body of `POST /v1/uploads`. */
export const createUploadSchema = z.object({
	content_length: z.int().min(1).optional().meta({
		description: 'Length of the file in bytes, when it is known: the link then takes no other',
	}),
	content_type: z
		.string()
		.max(127)
		.optional()
		.meta({
			description:
				'The `Content-Type` that the upload will have: `image/…`, `video/…` or `application/octet-stream`, the default. ' +
				'What the file is, is decided by its bytes',
		}),
});

/** Answer of `POST /v1/uploads`: send the file by this request, then submit jobs with `upload_id` in place of `url`. */
export const uploadSchema = z.object({
	upload_id: uploadIdSchema,
	method: z.literal('PUT'),
	url: z.url(),
	headers: z.record(z.string(), z.string()).meta({ description: 'Headers to send, exactly as they are' }),
	expires_at: z.iso.datetime().meta({ description: 'When an upload must have begun' }),
	max_bytes: z.int().positive().meta({ description: 'Largest file that a job may have' }),
});

export type CreateUpload = z.infer<typeof createUploadSchema>;
export type Upload = z.infer<typeof uploadSchema>;

/** @throws AppError `invalid_request`, naming each field at fault. */
export function parseCreateUpload(body: unknown): CreateUpload {
	const parsed = createUploadSchema.safeParse(body, { reportInput: true });
	if (parsed.success) return parsed.data;
	const faults = parsed.error.issues.map((issue) => ({
		detail: describeIssue(issue),
		pointer: issue.path.map((part) => `/${String(part)}`).join(''),
	}));
	throw new AppError('invalid_request', {
		detail: faults.map(({ detail }) => detail).join('; '),
		faults,
		cause: parsed.error,
	});
}
