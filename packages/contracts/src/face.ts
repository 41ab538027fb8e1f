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

export const detectionSchema = z.object({
	box: boundingBoxSchema,
	/** The network's confidence, 0..1. */
	score: z.number().min(0).max(1),
	landmarks: faceLandmarksSchema,
	/** 68 points in iBUG order, when the landmark network ran. */
	landmarks68: z.array(pointSchema).length(68).optional(),
});

export type FaceLandmarks = z.infer<typeof faceLandmarksSchema>;
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
