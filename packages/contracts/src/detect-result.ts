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

export const mediaReportSchema = z.object({
	kind: z.enum(['image', 'video']),
	/** Name of the format as sniffed from the bytes: `jpeg`, `png`, … */
	format: z.string(),
	/** Size as a person sees it, in pixels. */
	width: z.int().positive(),
	height: z.int().positive(),
	/** EXIF orientation 1..8 that was applied. */
	orientation: z.int().min(1).max(8),
	bytes: z.int().nonnegative(),
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
	timings: stageTimingsSchema,
});

export type Crop = z.infer<typeof cropSchema>;
export type DetectedFace = z.infer<typeof detectedFaceSchema>;
export type FrameResult = z.infer<typeof frameResultSchema>;
export type MediaReport = z.infer<typeof mediaReportSchema>;
export type StageTimings = z.infer<typeof stageTimingsSchema>;
export type DetectResult = z.infer<typeof detectResultSchema>;
