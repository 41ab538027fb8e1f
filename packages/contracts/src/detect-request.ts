import { z } from 'zod';
import { AppError } from './errors.ts';

/** Options of a detection, with the contract's defaults. */
export const detectOptionsSchema = z.object({
	/** Frames to analyse of a video; validated, and ignored, for photos. */
	numFrames: z.int().min(1).max(100).default(5),
	/** Whether to cut out, store and link a JPEG of each face. */
	returnFaceUrl: z.boolean().default(false),
	/** Whether to answer only the largest face of each frame. */
	singleFace: z.boolean().default(false),
	/** Faces with a side shorter than this, in pixels of the picture, are left out. */
	minFaceSize: z.number().positive().max(100_000).optional(),
	/** The lowest score to answer; the network's own when absent. */
	scoreThreshold: z.number().min(0).max(1).optional(),
});

export type DetectOptions = z.infer<typeof detectOptionsSchema>;

/** A validated `POST /detect_faces` body: where the media is, and what to do with it. */
export interface DetectRequest {
	readonly source:
		| { readonly kind: 'url'; readonly url: string }
		| { readonly kind: 'inline'; readonly base64: string };
	readonly options: DetectOptions;
}

/** Clients of the documented API send `null` and `""` for "not given"; both count as absent. */
function optional<T extends z.ZodType>(schema: T) {
	return z.preprocess((value) => (value === null ? undefined : value), schema.optional());
}

export const detectBodySchema = z
	.object({
		url: optional(z.string()).meta({
			description: 'http or https URL of a photo or a video; goes before `img`',
		}),
		img: optional(z.string()).meta({ description: 'A photo in base64, or as a data URI' }),
		num_frames: optional(detectOptionsSchema.shape.numFrames.unwrap()).meta({
			description: 'Frames to look at in a video; 5 by default. Ignored for photos.',
		}),
		return_face_url: optional(detectOptionsSchema.shape.returnFaceUrl.unwrap()).meta({
			description: 'Whether to cut out, store and link a JPEG of each face',
		}),
		single_face: optional(detectOptionsSchema.shape.singleFace.unwrap()).meta({
			description: 'Whether to answer only the largest face of each frame',
		}),
	})
	.meta({ id: 'DetectFacesRequest' });

/**
 * Parses the JSON body of `POST /detect_faces`.
 *
 * @throws AppError `missing_input`, `invalid_url` or `invalid_request`; the last names each field at fault,
 * what was expected and what came.
 */
export function parseDetectRequest(body: unknown): DetectRequest {
	const parsed = detectBodySchema.safeParse(body, { reportInput: true });
	if (!parsed.success) {
		throw new AppError('invalid_request', {
			detail: parsed.error.issues.map(describeIssue).join('; '),
			cause: parsed.error,
		});
	}
	const { url, img, num_frames, return_face_url, single_face } = parsed.data;
	const options = detectOptionsSchema.parse({
		numFrames: num_frames,
		returnFaceUrl: return_face_url,
		singleFace: single_face,
	});
	// `url` wins even when it is wrong: falling back to `img` would hide the client's mistake.
	if (url) return { source: { kind: 'url', url: parseHttpUrl(url) }, options };
	if (img) return { source: { kind: 'inline', base64: img }, options };
	throw new AppError('missing_input');
}

/** @throws AppError `invalid_url`, naming the field. */
export function parseHttpUrl(text: string, field = 'url'): string {
	const url = URL.canParse(text) ? new URL(text) : undefined;
	if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
		throw new AppError('invalid_url', {
			detail: `${field}: expected an absolute http or https URL`,
		});
	}
	return url.href;
}

/** One zod issue as "field: expected X, received Y". Values are shown only when they are short scalars. */
export function describeIssue(issue: z.core.$ZodIssue): string {
	const field = issue.path.length > 0 ? issue.path.join('.') : 'body';
	if (issue.code === 'unrecognized_keys') {
		return `${field}: expected no field ${issue.keys.map((key) => JSON.stringify(key.slice(0, 40))).join(', ')}`;
	}
	return `${field}: expected ${expectation(issue)}, received ${received(issue.input)}`;
}

function expectation(issue: z.core.$ZodIssue): string {
	switch (issue.code) {
		case 'invalid_type':
			return (
				{ int: 'an integer', object: 'a JSON object' }[issue.expected as string] ?? `a ${issue.expected}`
			);
		case 'too_small':
			return `at least ${issue.minimum}`;
		case 'too_big':
			return `at most ${issue.maximum}`;
		case 'invalid_value':
			return `one of ${issue.values.map((value) => String(value)).join(', ')}`;
		default:
			return issue.message;
	}
}

function received(input: unknown): string {
	if (input === null || input === undefined) return String(input);
	if (typeof input === 'number' || typeof input === 'boolean') return String(input);
	if (typeof input === 'string')
		return input.length <= 40 ? `the string ${JSON.stringify(input)}` : 'a string';
	return Array.isArray(input) ? 'an array' : `an ${typeof input}`;
}
