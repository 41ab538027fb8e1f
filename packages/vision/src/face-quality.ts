import type { BoundingBox, FaceLandmarks, Point, RgbImage } from '@facet/contracts';
import { boxArea } from '@facet/contracts';

/** Nose position of a face that looks into the camera, from the eyes (0) to the mouth (1); as in the ArcFace template. */
const FRONTAL_NOSE_HEIGHT = 0.494;

/** Sharpness of a face that is sharp enough: beyond it, more detail makes no better picture. */
const SHARP = 0.1;

/**
 * How much fine detail an aligned face has: the variance of its Laplacian (Pech-Pacheco et al., "Diatom autofocusing in
 * brightfield microscopy", ICPR 2000) over the variance of its grey values, so that contrast and light do not count.
 * About 0.01 for a blurred or an enlarged face, 0.1 and more for a sharp one.
 */
export function sharpnessOf({ data, width, height }: RgbImage): number {
	const grey = new Float32Array(width * height);
	for (let i = 0; i < grey.length; i++) {
		// ITU-R BT.601 luma.
		grey[i] = 0.299 * (data[3 * i] ?? 0) + 0.587 * (data[3 * i + 1] ?? 0) + 0.114 * (data[3 * i + 2] ?? 0);
	}
	return varianceOfLaplacian(grey, width, height);
}

/** The variance of a picture's Laplacian over that of its grey values; 0 for a plain patch. */
export function varianceOfLaplacian(grey: Float32Array, width: number, height: number): number {
	const laplacian = new Float32Array(Math.max(0, (width - 2) * (height - 2)));
	for (let y = 1, out = 0; y < height - 1; y++) {
		for (let x = 1; x < width - 1; x++, out++) {
			const at = y * width + x;
			laplacian[out] =
				(grey[at - 1] ?? 0) +
				(grey[at + 1] ?? 0) +
				(grey[at - width] ?? 0) +
				(grey[at + width] ?? 0) -
				4 * (grey[at] ?? 0);
		}
	}
	const contrast = varianceOf(grey);
	return contrast === 0 ? 0 : varianceOf(laplacian) / contrast;
}

/**
 * How much a face looks into the camera, 0..1, from where the nose lies: midway between the eyes, and midway between
 * eyes and mouth, whatever the head's roll.
 */
export function frontalnessOf({ leftEye, rightEye, nose, mouthCenter }: FaceLandmarks): number {
	const acrossEyes = shareAlong(leftEye, rightEye, nose);
	const eyes = { x: (leftEye.x + rightEye.x) / 2, y: (leftEye.y + rightEye.y) / 2 };
	const downFace = shareAlong(eyes, mouthCenter, nose);
	const turned = Math.abs(acrossEyes - 0.5) * 2;
	const nodded = Math.abs(downFace - FRONTAL_NOSE_HEIGHT) * 2;
	return Math.max(0, 1 - turned) * Math.max(0, 1 - nodded);
}

/** What `qualityOf` weighs. */
export interface FaceView {
	readonly box: BoundingBox;
	readonly sharpness: number;
	readonly frontalness: number;
}

/** How well a view shows the face: its side in pixels, less what lack of sharpness and of frontalness take off it. */
export function qualityOf({ box, sharpness, frontalness }: FaceView): number {
	const sharp = Math.min(1, Math.sqrt(sharpness / SHARP));
	return Math.sqrt(boxArea(box)) * (0.3 + 0.7 * sharp) * (0.3 + 0.7 * frontalness);
}

/** Where the projection of `point` lies between `from` (0) and `to` (1). */
function shareAlong(from: Point, to: Point, point: Point): number {
	const x = to.x - from.x;
	const y = to.y - from.y;
	const squared = x * x + y * y;
	return squared === 0 ? 0 : ((point.x - from.x) * x + (point.y - from.y) * y) / squared;
}

function varianceOf(values: Float32Array): number {
	let sum = 0;
	let squares = 0;
	for (const value of values) {
		sum += value;
		squares += value * value;
	}
	const mean = sum / values.length;
	return Math.max(0, squares / values.length - mean * mean);
}
