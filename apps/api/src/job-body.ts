import { type jobFormSchema, parseJobForm, parseJobRequest } from '@facet/contracts';
import type { Request } from 'express';
import { formValues } from './form-values.ts';
import type { JobOrder } from './job-submissions.ts';
import { toMedia } from './media.ts';
import { readMultipart } from './multipart-body.ts';

export interface JobBodyOptions {
	/** Largest file of a form, in bytes. */
	readonly maxFileBytes: number;
	/** Where files go while they are received. */
	readonly directory: string;
}

export interface JobBody extends Omit<JobOrder, 'cancelAfterSeconds' | 'idempotencyKey'> {
	/** Forgets what was received for the request alone. */
	discard(): Promise<void>;
}

/** Fields of the form that are text by nature. */
const TEXT_FIELDS = new Set([
	'tag',
	'webhook_url',
	'priority',
] satisfies (keyof typeof jobFormSchema.shape)[]);

/** Whether the body is a form with a file, which no other parser must touch. */
export function isForm(request: Request): boolean {
	return request.is('multipart/form-data') === 'multipart/form-data';
}

/**
 * Reads the body of `POST /v1/jobs`: JSON that was parsed before, or a form with a file.
 *
 * @throws AppError as `parseJobRequest`, `parseJobForm` and `readMultipart`.
 */
export async function readJobBody(request: Request, options: JobBodyOptions): Promise<JobBody> {
	if (!isForm(request)) {
		const { media, ...rest } = parseJobRequest(request.body);
		return { ...rest, media: toMedia(media), discard: async () => {} };
	}
	const { maxFileBytes: maxBytes, directory } = options;
	const { file, fields, discard } = await readMultipart(request, { maxBytes, directory });
	try {
		return { ...parseJobForm(formValues(fields, TEXT_FIELDS)), media: { kind: 'file', file }, discard };
	} catch (error) {
		await discard();
		throw error;
	}
}
