import { z } from 'zod';
import type { Point } from './geometry.ts';

/**
 * Shapes of a detected face as they travel from the inference threads to the result store.
 * Everything is in pixels of the source picture in display space, not yet rounded.
 */

export const pointSchema = z.object({ x: z.number(), y: z.number() });

export const boundingBoxSchema = z.object({
	x: z.number(),
	y: z.number(),
	width: z.number().nonnegative(),
	height: z.number().nonnegative(),
});

/** The contract's six points. "Left" is left in the picture, so the person's right eye is `leftEye`. */
export const faceLandmarksSchema = z.object({
	leftEye: pointSchema,
	rightEye: pointSchema,
	nose: pointSchema,
	mouthCenter: pointSchema,
	mouthLeft: pointSchema,
	mouthRight: pointSchema,
});

/**
 * Where a head looks, in degrees. All 0 for a face into the camera, upright; each positive as seen in the picture:
 * `yaw` when the nose points to the right, `pitch` when it points up, `roll` when the head is tilted clockwise.
 */
export const headPoseSchema = z.object({
	yaw: z.number().min(-180).max(180),
	pitch: z.number().min(-180).max(180),
	roll: z.number().min(-180).max(180),
});

/**
 * Which look at the picture found a face: the usual one, or one of those that are taken only when something speaks for
 * it: the picture shrunk and padded, in tiles at a larger size, or turned clockwise by so many degrees.
 */
export const detectorPassSchema = z.enum([
	'plain',
	'close_up',
	'tiles',
	'rotated_90',
	'rotated_180',
	'rotated_270',
]);

export const detectionSchema = z.object({
	box: boundingBoxSchema,
	/** The network's confidence, 0..1. */
	score: z.number().min(0).max(1),
	landmarks: faceLandmarksSchema,
	/** 68 points in iBUG order, when the landmark network ran. */
	landmarks68: z.array(pointSchema).length(68).optional(),
	/** Absent from results that were stored before it existed, as are the two below. */
	pose: headPoseSchema.optional(),
	/** How well the picture shows the face, 0..1: sharpness, size, brightness, frontalness. */
	quality: z.number().min(0).max(1).optional(),
	detectorPass: detectorPassSchema.optional(),
});

export type FaceLandmarks = z.infer<typeof faceLandmarksSchema>;
export type HeadPose = z.infer<typeof headPoseSchema>;
export type DetectorPass = z.infer<typeof detectorPassSchema>;
export type Detection = z.infer<typeof detectionSchema>;

/** The landmarks with each point moved. */
export function mapLandmarks(landmarks: FaceLandmarks, move: (point: Point) => Point): FaceLandmarks {
	const { leftEye, rightEye, nose, mouthCenter, mouthLeft, mouthRight } = landmarks;
	return {
		leftEye: move(leftEye),
		rightEye: move(rightEye),
		nose: move(nose),
		mouthCenter: move(mouthCenter),
		mouthLeft: move(mouthLeft),
		mouthRight: move(mouthRight),
	};
}
