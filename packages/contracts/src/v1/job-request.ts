import { z } from 'zod';
import { EXTRAS, type Extra } from '../detect-job.ts';
import { type DetectOptions, describeIssue, detectOptionsSchema, parseHttpUrl } from '../detect-request.ts';
import { AppError } from '../errors.ts';
import type { Fault } from '../fault.ts';
import { JOB_EVENTS, type WebhookTarget } from '../webhook-event.ts';
import { uploadIdSchema } from './upload-id.ts';

export const JOB_PRIORITIES = ['high', 'normal', 'low'] as const;

/** What to detect, and what to answer: the options of `POST /detect_faces` and those of `/v1`. */
const optionFields = {
	num_frames: detectOptionsSchema.shape.numFrames
		.unwrap()
		.optional()
		.meta({ description: 'Frames to look at in a video; 5 by default. Ignored for photos.' }),
	return_face_url: z.boolean().optional().meta({ description: 'Whether to store a JPEG of each face' }),
	single_face: z.boolean().optional().meta({ description: 'Whether to answer only the largest face' }),
	min_face_size: detectOptionsSchema.shape.minFaceSize.meta({
		description: 'Faces with a shorter side, in pixels of the picture, are left out',
	}),
	score_threshold: detectOptionsSchema.shape.scoreThreshold.meta({
		description: 'Lowest score of a face; the network’s own by default',
	}),
	include: z
		.array(z.enum(EXTRAS))
		.max(EXTRAS.length)
		.optional()
		.meta({ description: 'Extras beside the documented fields of each frame' }),
	tag: z.string().min(1).max(128).optional().meta({ description: 'A label of yours, to find jobs by' }),
};

const webhookFields = {
	webhook_url: z.string().max(2048).optional().meta({ description: 'Where to POST the end of the job' }),
	webhook_events: z
		.array(z.enum(JOB_EVENTS))
		.min(1)
		.optional()
		.meta({ description: 'Which ends to POST; all of them by default' }),
};

const mediaFields = {
	url: z.string().max(8192).optional().meta({ description: 'http or https URL of a photo or a video' }),
	img: z.string().optional().meta({ description: 'A photo in base64, or as a data URI' }),
	upload_id: uploadIdSchema.optional().meta({ description: 'Id from `POST /v1/uploads`' }),
};

/** Body of `POST /v1/jobs`. Exactly one of `url`, `img` and `upload_id`. Unknown fields are refused. */
export const jobRequestSchema = z
	.strictObject({
		...mediaFields,
		...optionFields,
		...webhookFields,
		priority: z
			.enum(JOB_PRIORITIES)
			.optional()
			.meta({ description: 'Against your other jobs; `normal` by default' }),
		dedupe: z.boolean().optional().meta({
			description:
				'Whether an unfinished job of yours with the same media and options may answer for this one',
		}),
	})
	.meta({ id: 'JobRequest' });

/** The fields of `POST /v1/jobs` beside the file, when its body is a form (`multipart/form-data`). */
export const jobFormSchema = jobRequestSchema.omit({ url: true, img: true, upload_id: true });

/** One item of a batch: as a job, without a webhook or a priority of its own. */
export const batchItemSchema = z
	.strictObject({ url: mediaFields.url, upload_id: mediaFields.upload_id, ...optionFields })
	.meta({ id: 'BatchItem' });

/** What holds for every item that does not say otherwise. */
export const batchDefaultsSchema = z
	.strictObject({
		...optionFields,
		webhook_url: webhookFields.webhook_url.meta({ description: 'Where to POST the end of the batch' }),
		webhook_events: webhookFields.webhook_events.meta({
			description: 'Which ends of single items to POST there too; none by default',
		}),
	})
	.meta({ id: 'BatchDefaults' });

export type JobPriority = (typeof JOB_PRIORITIES)[number];
export type BatchDefaults = z.infer<typeof batchDefaultsSchema>;

/** Media as a request names it. */
export type RequestedMedia =
	| { readonly kind: 'url'; readonly url: string }
	| { readonly kind: 'inline'; readonly base64: string }
	| { readonly kind: 'upload'; readonly uploadId: string };

/** A validated request for a job. */
export interface JobRequest {
	readonly media: RequestedMedia;
	readonly options: DetectOptions;
	readonly include: readonly Extra[];
	readonly tag: string | undefined;
	readonly priority: JobPriority;
	readonly webhook: WebhookTarget | undefined;
	readonly dedupe: boolean;
}

/**
 * Parses the JSON body of `POST /v1/jobs`.
 *
 * @throws AppError `invalid_request` with every fault, `missing_input`, `invalid_url`.
 */
export function parseJobRequest(body: unknown): JobRequest {
	const fields = parseFields(jobRequestSchema, body);
	return { ...toRequest(fields), webhook: toWebhook(fields), dedupe: fields.dedupe ?? false };
}

/**
 * Parses the fields of a form that has the media with it.
 *
 * @throws AppError `invalid_request` with every fault, `invalid_url`.
 */
export function parseJobForm(values: unknown): Omit<JobRequest, 'media'> {
	const fields = parseFields(jobFormSchema, values);
	return { ...toChoices(fields), webhook: toWebhook(fields), dedupe: fields.dedupe ?? false };
}

/**
 * Parses one item of a batch, with the batch's defaults for what it leaves open.
 *
 * @throws AppError as `parseJobRequest`.
 */
export function parseBatchItem(item: unknown, defaults: BatchDefaults): JobRequest {
	const { webhook_url: _, webhook_events: __, ...rest } = defaults;
	const webhook = toWebhook(defaults);
	return { ...toRequest({ ...rest, ...parseFields(batchItemSchema, item) }), webhook, dedupe: false };
}

/**
 * Parses a value by a schema of the wire.
 *
 * @throws AppError `invalid_request`; its `faults` name every field at fault, what was expected and what came.
 */
export function parseFields<T>(schema: z.ZodType<T>, value: unknown): T {
	const parsed = schema.safeParse(value, { reportInput: true });
	if (parsed.success) return parsed.data;
	const faults: Fault[] = parsed.error.issues.map((issue) => ({
		detail: describeIssue(issue),
		pointer: issue.path.map((part) => `/${String(part)}`).join(''),
	}));
	throw new AppError('invalid_request', {
		detail: faults.map(({ detail }) => detail).join('; '),
		faults,
		cause: parsed.error,
	});
}

/** @throws AppError `invalid_request`, `invalid_url`. */
export function toWebhook({
	webhook_url,
	webhook_events,
}: Pick<z.infer<typeof jobRequestSchema>, 'webhook_url' | 'webhook_events'>): WebhookTarget | undefined {
	if (webhook_url === undefined) {
		if (webhook_events === undefined) return undefined;
		throw new AppError('invalid_request', { detail: 'webhook_events: expected a webhook_url with them' });
	}
	const url = parseHttpUrl(webhook_url, 'webhook_url');
	return webhook_events === undefined ? { url } : { url, events: webhook_events };
}

function toRequest(fields: z.infer<typeof jobRequestSchema>): Omit<JobRequest, 'webhook' | 'dedupe'> {
	return { media: toMedia(fields), ...toChoices(fields) };
}

function toChoices(fields: z.infer<typeof jobFormSchema>): Omit<JobRequest, 'media' | 'webhook' | 'dedupe'> {
	return {
		options: detectOptionsSchema.parse({
			numFrames: fields.num_frames,
			returnFaceUrl: fields.return_face_url,
			singleFace: fields.single_face,
			minFaceSize: fields.min_face_size,
			scoreThreshold: fields.score_threshold,
		}),
		include: [...new Set(fields.include)],
		tag: fields.tag,
		priority: fields.priority ?? 'normal',
	};
}

function toMedia({ url, img, upload_id }: z.infer<typeof jobRequestSchema>): RequestedMedia {
	const given = [url, img, upload_id].filter((value) => value !== undefined && value !== '').length;
	if (given === 0) {
		throw new AppError('missing_input', { detail: 'expected one of url, img and upload_id, received none' });
	}
	if (given > 1) {
		throw new AppError('invalid_request', {
			detail: `expected one of url, img and upload_id, received ${given} of them`,
		});
	}
	if (url) return { kind: 'url', url: parseHttpUrl(url) };
	if (img) return { kind: 'inline', base64: img };
	return { kind: 'upload', uploadId: upload_id ?? '' };
}
