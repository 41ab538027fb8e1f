import { z } from 'zod';
import { detectOptionsSchema } from './detect-request.ts';
import { boundingBoxSchema, detectionSchema } from './face.ts';

/** What the result store holds of a succeeded job: everything a client may ask for, independent of the wire format. */

export const cropSchema = z.object({
	/** The rectangle cut out, in whole pixels of the picture. */
	region: boundingBoxSchema,
	/** Object key of the JPEG, or null when it could not be stored. A key, not a link: links expire, results are kept. */
	key: z.string().nullable(),
});

export const detectedFaceSchema = detectionSchema.extend({
	crop: cropSchema.nullable(),
	/** Number of the track that the face belongs to; null for a photo. */
	trackId: z.int().positive().nullable(),
});

export const frameResultSchema = z.object({
	/** 0-based index of the frame in presentation order; 0 for a photo. */
	index: z.int().nonnegative(),
	/** The frame's time after the first frame's, in milliseconds; null for a photo. */
	timestampMs: z.number().nullable(),
	faces: z.array(detectedFaceSchema),
	/** Boxes of the previous analysed frame that this one no longer has. */
	removed: z.array(boundingBoxSchema),
});

const mediaSchema = z.object({
	/** Name of the format as sniffed from the bytes: `jpeg`, `png`, `mp4`, `matroska`, … */
	format: z.string(),
	/** Size as a person sees it, in pixels. */
	width: z.int().positive(),
	height: z.int().positive(),
	bytes: z.int().nonnegative(),
});

export const imageReportSchema = mediaSchema.extend({
	kind: z.literal('image'),
	/** EXIF orientation 1..8 that was applied. */
	orientation: z.int().min(1).max(8),
});

export const videoReportSchema = mediaSchema.extend({
	kind: z.literal('video'),
	/** ffmpeg's name of the codec: `h264`, `vp9`, … */
	codec: z.string(),
	/** Clockwise display rotation that was applied, in degrees. */
	rotation: z.union([z.literal(0), z.literal(90), z.literal(180), z.literal(270)]),
	/** From the first frame to the end of the last, in milliseconds. */
	durationMs: z.number().nonnegative(),
	/** Frames in the file, by count and not by what its header says. */
	frames: z.int().nonnegative(),
	frameRate: z.enum(['constant', 'variable']),
	/** Frames that the request meant, and those of them that could be decoded. */
	framesWanted: z.int().nonnegative(),
	framesObtained: z.int().nonnegative(),
	/** What a careful user would want to know: a truncated file, a header that lies. */
	warnings: z.array(z.string()),
});

export const mediaReportSchema = z.discriminatedUnion('kind', [imageReportSchema, videoReportSchema]);

/** A person of a video, however often they left and came back. */
export const personSchema = z.object({
	id: z.int().positive(),
	trackIds: z.array(z.int().positive()),
	/** Indexes of the analysed frames that show the person. */
	frames: z.array(z.int().nonnegative()),
	firstSeenMs: z.number(),
	lastSeenMs: z.number(),
	/** The frame that shows the face best (largest, sharpest, most frontal), and where. */
	best: z.object({ frame: z.int().nonnegative(), box: boundingBoxSchema }),
});

/** Time spent in each stage of the job, in milliseconds. */
export const stageTimingsSchema = z.object({
	fetch: z.number(),
	decode: z.number(),
	detect: z.number(),
	crop: z.number(),
	upload: z.number(),
});

export const detectResultSchema = z.object({
	options: detectOptionsSchema,
	media: mediaReportSchema,
	model: z.string(),
	frames: z.array(frameResultSchema),
	/** The distinct persons of a video, in the order of their first appearance; empty for a photo. */
	persons: z.array(personSchema),
	timings: stageTimingsSchema,
});

export type Crop = z.infer<typeof cropSchema>;
export type DetectedFace = z.infer<typeof detectedFaceSchema>;
export type FrameResult = z.infer<typeof frameResultSchema>;
export type Person = z.infer<typeof personSchema>;
export type VideoReport = z.infer<typeof videoReportSchema>;
export type MediaReport = z.infer<typeof mediaReportSchema>;
export type StageTimings = z.infer<typeof stageTimingsSchema>;
export type DetectResult = z.infer<typeof detectResultSchema>;
