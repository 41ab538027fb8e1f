import { type BoundingBox, clipBox, mapLandmarks, type RgbImage, type Size } from '@facet/contracts';
import type { Candidate } from '../engine.ts';
import type { ModelEntry } from '../model-registry.ts';
import type { PlaneTarget } from '../plane-target.ts';
import { resampleRegion } from '../resample.ts';

/** A region of an image as a network's input tensor. */
export interface Letterbox extends Size {
	/** Three planes of `width * height` values. */
	readonly planes: Float32Array;
	/** What the top-left of the planes shows, in pixels of the image. */
	readonly region: BoundingBox;
	/** Pixels of the image in one of the tensor, across and down. */
	readonly scaleX: number;
	readonly scaleY: number;
}

/**
 * Fits a region of an image into a network's input as InsightFace does: scaled with its aspect kept, bilinearly, into
 * the top-left corner, the rest black (SCRFD.detect of
 * https://github.com/deepinsight/insightface/blob/master/python-package/insightface/model_zoo/scrfd.py). What the
 * region has outside the image is black too.
 *
 * @param planes - three times `size`, all of them black, see `blackOf`; by default new ones.
 */
export function letterbox(
	image: RgbImage,
	region: BoundingBox,
	size: Size,
	{ normalisation, input }: Pick<ModelEntry, 'normalisation' | 'input'>,
	planes: Float32Array = new Float32Array(3 * size.width * size.height).fill(blackOf(normalisation)),
): Letterbox {
	const zoom = Math.min(size.width / region.width, size.height / region.height);
	// Cut off, not rounded, as there. The epsilon is for sizes that fit but for the last bit.
	const width = Math.max(1, Math.floor(region.width * zoom + 1e-6));
	const height = Math.max(1, Math.floor(region.height * zoom + 1e-6));
	const scaleX = region.width / width;
	const scaleY = region.height / height;

	const seen = clipBox(region, image);
	// The part with the image in it, in whole pixels of the tensor, and what these show of the image.
	const left = Math.max(0, Math.round((seen.x - region.x) / scaleX));
	const top = Math.max(0, Math.round((seen.y - region.y) / scaleY));
	const right = Math.min(width, Math.round((seen.x + seen.width - region.x) / scaleX));
	const bottom = Math.min(height, Math.round((seen.y + seen.height - region.y) / scaleY));
	if (right > left && bottom > top) {
		const target: PlaneTarget = {
			planes: planes.subarray(top * size.width + left),
			planeWidth: size.width,
			planeHeight: size.height,
			width: right - left,
			height: bottom - top,
			...normalisation,
		};
		const x = region.x + left * scaleX;
		const y = region.y + top * scaleY;
		const shown = { x, y, width: target.width * scaleX, height: target.height * scaleY };
		resampleRegion(image, shown, target);
	}
	if (input.channels === 'bgr') swapRedAndBlue(planes);
	return { planes, ...size, region, scaleX, scaleY };
}

/** The value of a black pixel in a network's input. */
export function blackOf({ mean, scale }: ModelEntry['normalisation']): number {
	return -mean / scale;
}

/** A candidate in pixels of the tensor, in those of the image. */
export function toImagePixels(
	{ box, score, landmarks }: Candidate,
	{ region, scaleX, scaleY }: Letterbox,
): Candidate {
	return {
		score,
		box: {
			x: region.x + box.x * scaleX,
			y: region.y + box.y * scaleY,
			width: box.width * scaleX,
			height: box.height * scaleY,
		},
		...(landmarks && {
			landmarks: mapLandmarks(landmarks, ({ x, y }) => ({
				x: region.x + x * scaleX,
				y: region.y + y * scaleY,
			})),
		}),
	};
}

function swapRedAndBlue(planes: Float32Array): void {
	const size = planes.length / 3;
	const red = planes.slice(0, size);
	planes.copyWithin(0, 2 * size);
	planes.set(red, 2 * size);
}
