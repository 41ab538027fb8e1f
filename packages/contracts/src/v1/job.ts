import { z } from 'zod';
import { EXTRAS } from '../detect-job.ts';
import { errorRecordSchema } from '../errors.ts';
import { headPoseSchema } from '../face.ts';

/** The documents of `/v1` as they are on the wire: snake case, ISO 8601 times, whole pixels. */

const boxSchema = z
	.tuple([z.int(), z.int(), z.int(), z.int()])
	.meta({ description: '`[x, y, width, height]` in pixels of the picture' });
const pointSchema = z.tuple([z.int(), z.int()]).meta({ description: '`[x, y]` in pixels of the picture' });
const timeSchema = z.iso.datetime();

/** The contract's frame; one entry a face in each list, all in the order of `region`, and the extras asked for. */
export const frameSchema = z
	.object({
		landmarks: z
			.array(z.array(pointSchema))
			.meta({ description: 'Left eye, right eye, nose, mouth centre, left and right mouth corner' }),
		landmarks_str: z.array(z.string()).meta({ description: 'The first four of them: `x,y:x,y:x,y:x,y`' }),
		region: z.array(boxSchema),
		removed: z.array(boxSchema).meta({ description: 'Regions of the frame before that this one lacks' }),
		frame_time: z
			.number()
			.nullable()
			.meta({ description: 'Seconds since the first frame; null for a photo' }),
		face_urls: z.array(z.string().nullable()).nullable(),
		crop_region: z.array(boxSchema).nullable(),
		crop_landmarks: z.array(z.string()).nullable(),
		scores: z.array(z.number()).optional().meta({ description: 'The network’s confidence, 0..1' }),
		track_ids: z.array(z.int().nullable()).optional().meta({ description: 'Null in photos' }),
		landmarks_68: z
			.array(z.array(pointSchema).nullable())
			.optional()
			.meta({ description: '68 points in iBUG order; null where that network did not run' }),
		pose: z
			.array(headPoseSchema.nullable())
			.optional()
			.meta({ description: 'Degrees; see docs/api.md for the signs' }),
		quality: z
			.array(z.number().nullable())
			.optional()
			.meta({ description: 'How well the face is shown, 0..1' }),
	})
	.meta({ id: 'Frame' });

export const wirePersonSchema = z
	.object({
		id: z.int(),
		track_ids: z.array(z.int()),
		frames: z.array(z.int()).meta({ description: 'Keys of the frames in `faces_obj` that show the person' }),
		first_seen: z.number().meta({ description: 'Seconds since the first frame' }),
		last_seen: z.number(),
		best: z.object({ frame: z.int(), region: boxSchema }),
	})
	.meta({ id: 'Person' });

const mediaFields = {
	format: z.string(),
	width: z.int(),
	height: z.int(),
	bytes: z.int(),
};

export const wireMediaSchema = z
	.discriminatedUnion('kind', [
		z.object({ kind: z.literal('image'), ...mediaFields, orientation: z.int() }),
		z.object({
			kind: z.literal('video'),
			...mediaFields,
			codec: z.string(),
			rotation: z.int().meta({ description: 'Clockwise degrees that were applied' }),
			duration: z.number().meta({ description: 'Seconds' }),
			frames: z.int(),
			frame_rate: z.enum(['constant', 'variable']),
			frames_wanted: z.int(),
			frames_obtained: z.int(),
			warnings: z.array(z.string()),
		}),
	])
	.meta({ id: 'Media' });

export const jobResultSchema = z
	.object({
		faces_obj: z
			.record(z.string(), frameSchema)
			.meta({ description: 'Frames by their index in the video; "0" for a photo' }),
		persons: z.array(wirePersonSchema).meta({ description: 'Distinct persons of a video' }),
		media: wireMediaSchema,
		model: z.string(),
	})
	.meta({ id: 'JobResult' });

export const JOB_STATUSES = ['queued', 'processing', 'succeeded', 'failed', 'canceled', 'expired'] as const;

export const jobSchema = z
	.object({
		id: z.string(),
		status: z.enum(JOB_STATUSES),
		tag: z.string().nullable(),
		batch_id: z.string().nullable(),
		include: z.array(z.enum(EXTRAS)),
		attempts: z.int(),
		progress: z
			.object({ frames_done: z.int(), frames_wanted: z.int() })
			.nullable()
			.meta({ description: 'Of a running job, once it is known how many frames there are' }),
		queue_position: z
			.int()
			.nullable()
			.meta({ description: 'Of a queued job: jobs that are taken before it. Null in lists.' }),
		created_at: timeSchema,
		started_at: timeSchema.nullable(),
		finished_at: timeSchema.nullable(),
		deadline: timeSchema.nullable().meta({ description: 'When an unfinished job ends as `expired`' }),
		expires_at: timeSchema.nullable().meta({ description: 'Until when the result is kept' }),
		metrics: z
			.object({
				queue: z.number(),
				download: z.number(),
				decode: z.number(),
				detect: z.number(),
				crop: z.number(),
				upload: z.number(),
			})
			.nullable()
			.meta({ description: 'Milliseconds' }),
		result: jobResultSchema.nullable(),
		error: z
			.object({
				code: errorRecordSchema.shape.code,
				message: z.string(),
				detail: z.string().nullable(),
				retryable: z.boolean(),
			})
			.nullable(),
		urls: z.object({ self: z.string(), events: z.string(), cancel: z.string(), deliveries: z.string() }),
	})
	.meta({ id: 'Job' });

/** A job in a list: without its result, which may be long. */
export const jobSummarySchema = jobSchema.omit({ result: true }).meta({ id: 'JobSummary' });

export const jobListSchema = z
	.object({
		data: z.array(jobSummarySchema).meta({ description: 'Newest first' }),
		next_cursor: z.string().nullable().meta({
			description:
				'Asks for the next page; null on the last. A page of a filtered list may have few jobs, or none, and others follow.',
		}),
	})
	.meta({ id: 'JobList' });

/** `data` of a server-sent event `status`. */
export const jobStatusEventSchema = z
	.object({ id: z.string(), status: z.enum(JOB_STATUSES), at: timeSchema })
	.meta({ id: 'JobStatusEvent' });

/** `data` of a server-sent event `progress`. */
export const jobProgressEventSchema = z
	.object({ id: z.string(), frames_done: z.int(), frames_wanted: z.int(), at: timeSchema })
	.meta({ id: 'JobProgressEvent' });

export type WireJobSummary = z.infer<typeof jobSummarySchema>;
export type JobList = z.infer<typeof jobListSchema>;
export type JobStatusEvent = z.infer<typeof jobStatusEventSchema>;
export type JobProgressEvent = z.infer<typeof jobProgressEventSchema>;
export type WireJob = z.infer<typeof jobSchema>;
export type JobResult = z.infer<typeof jobResultSchema>;
export type JobFrame = z.infer<typeof frameSchema>;
