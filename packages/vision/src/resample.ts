import type { BoundingBox, Point, RgbImage, Size } from '@facet/contracts';
import { filterTaps } from './filter-taps.ts';
import type { PlaneTarget } from './plane-target.ts';
import { runResampleKernel } from './run-resample-kernel.ts';

/**
 * Resamples a region of an image into the top-left `width` x `height` of a tensor's planes.
 *
 * A triangle filter as wide as the step between samples: bilinear when enlarging, a weighted average when shrinking, so
 * that small faces keep their contrast instead of aliasing (worth 1 % of average precision against plain bilinear). The
 * region may be fractional and may reach over the image's edge, where the edge pixels go on.
 */
export function resampleRegion(image: RgbImage, region: BoundingBox, target: PlaneTarget): void {
	if (isUnscaled(image, region, target)) {
		copyPixels(image, region, target);
		return;
	}
	const columns = filterTaps(region.x, region.width, target.width, image.width);
	const rows = filterTaps(region.y, region.height, target.height, image.height);
	runResampleKernel(image, columns, rows, target);
}

function isUnscaled(image: Size, { x, y, width, height }: BoundingBox, target: Size): boolean {
	return (
		width === target.width &&
		height === target.height &&
		Number.isInteger(x) &&
		Number.isInteger(y) &&
		x >= 0 &&
		y >= 0 &&
		x + width <= image.width &&
		y + height <= image.height
	);
}

/**
 * What resampling comes to where nothing is scaled, in a sixth of its time. That is the usual case: pictures and frames
 * are decoded to the size of networks and tiles.
 */
function copyPixels(
	{ data, width: imageWidth }: RgbImage,
	from: Point,
	{ planes, planeWidth, planeHeight, width, height, mean, scale }: PlaneTarget,
): void {
	const values = Float32Array.from({ length: 256 }, (_, value) => (value - mean) / scale);
	const green = planeWidth * planeHeight;
	const blue = 2 * green;
	for (let y = 0; y < height; y++) {
		let at = ((from.y + y) * imageWidth + from.x) * 3;
		for (let out = y * planeWidth, end = out + width; out < end; out++, at += 3) {
			planes[out] = values[data[at] ?? 0] ?? 0;
			planes[out + green] = values[data[at + 1] ?? 0] ?? 0;
			planes[out + blue] = values[data[at + 2] ?? 0] ?? 0;
		}
	}
}

/** Mirrors the top-left `width` x `height` of the planes left to right, in place. */
export function mirrorPlanes({ planes, planeWidth, planeHeight, width, height }: PlaneTarget): void {
	for (let start = 0; start < planes.length; start += planeWidth) {
		if ((start / planeWidth) % planeHeight < height) planes.subarray(start, start + width).reverse();
	}
}
