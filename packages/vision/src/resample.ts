import type { BoundingBox, Point, RgbImage, Size } from '@facet/contracts';

/** Where the pixels of a region go in a planar float tensor, and how their values are normalised. */
export interface PlaneTarget extends Size {
	/** Three planes (red, green, blue), each `planeWidth * planeHeight` values, row by row. */
	readonly planes: Float32Array;
	readonly planeWidth: number;
	readonly planeHeight: number;
	/** Values are written as `(value - mean) / scale`, `value` being 0..255. */
	readonly mean: number;
	readonly scale: number;
}

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
	// Vertically first: that pass walks straight through memory, and leaves less for the other one.
	const sums = new Float32Array((columns.last - columns.first + 1) * 3);
	for (let y = 0; y < target.height; y++) {
		sumRows(image, rows, y, columns.first * 3, sums);
		writeRow(sums, columns, target, y);
	}
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

/** The weighted sum of the image rows of sample `y`, from value `offset` of each row on. */
function sumRows(
	{ data, width }: RgbImage,
	rows: FilterTaps,
	y: number,
	offset: number,
	sums: Float32Array,
): void {
	sums.fill(0);
	const count = rows.counts[y] ?? 0;
	const firstTap = y * rows.tapsPerSample;
	const firstByte = (rows.starts[y] ?? 0) * width * 3 + offset;
	// Two rows at a time: this loop is most of the time spent on pixels, and half of it is memory traffic of `sums`.
	for (let tap = 0; tap < count; tap += 2) {
		const hasSecond = tap + 1 < count;
		const weight = rows.weights[firstTap + tap] ?? 0;
		const secondWeight = hasSecond ? (rows.weights[firstTap + tap + 1] ?? 0) : 0;
		const from = firstByte + tap * width * 3;
		const secondFrom = hasSecond ? from + width * 3 : from;
		for (let i = 0; i < sums.length; i++) {
			sums[i] = (sums[i] ?? 0) + weight * (data[from + i] ?? 0) + secondWeight * (data[secondFrom + i] ?? 0);
		}
	}
}

/** Squeezes one row of interleaved values into row `y` of the planes. */
function writeRow(
	sums: Float32Array,
	{ starts, counts, weights, tapsPerSample, first }: FilterTaps,
	{ width, planes, planeWidth, planeHeight, mean, scale }: PlaneTarget,
	y: number,
): void {
	const planeSize = planeWidth * planeHeight;
	for (let x = 0, out = y * planeWidth; x < width; x++, out++) {
		let from = ((starts[x] ?? 0) - first) * 3;
		const end = x * tapsPerSample + (counts[x] ?? 0);
		let red = -mean;
		let green = -mean;
		let blue = -mean;
		for (let tap = x * tapsPerSample; tap < end; tap++, from += 3) {
			const weight = weights[tap] ?? 0;
			red += weight * (sums[from] ?? 0);
			green += weight * (sums[from + 1] ?? 0);
			blue += weight * (sums[from + 2] ?? 0);
		}
		planes[out] = red / scale;
		planes[out + planeSize] = green / scale;
		planes[out + 2 * planeSize] = blue / scale;
	}
}

/** Mirrors the top-left `width` x `height` of the planes left to right, in place. */
export function mirrorPlanes({ planes, planeWidth, planeHeight, width, height }: PlaneTarget): void {
	for (let start = 0; start < planes.length; start += planeWidth) {
		if ((start / planeWidth) % planeHeight < height) planes.subarray(start, start + width).reverse();
	}
}

/** The weighted source pixels of every sample along one axis. */
interface FilterTaps {
	/** First source pixel of each sample. */
	readonly starts: Int32Array;
	/** Number of source pixels of each sample. */
	readonly counts: Int32Array;
	/** `tapsPerSample` weights a sample, of which the first `count` are used and add up to 1. */
	readonly weights: Float32Array;
	readonly tapsPerSample: number;
	/** The source pixels that any sample touches, inclusive. */
	readonly first: number;
	readonly last: number;
}

function filterTaps(start: number, length: number, samples: number, limit: number): FilterTaps {
	const step = length / samples;
	const reach = Math.max(1, step);
	const tapsPerSample = Math.floor(2 * reach) + 1;
	const starts = new Int32Array(samples);
	const counts = new Int32Array(samples);
	const weights = new Float32Array(samples * tapsPerSample);
	let first = limit - 1;
	let last = 0;
	for (let sample = 0; sample < samples; sample++) {
		// Pixel centres are at half coordinates in both grids. Beyond the edge the nearest pixel stands in.
		const center = Math.min(Math.max(start + (sample + 0.5) * step - 0.5, 0), limit - 1);
		const from = Math.max(0, Math.ceil(center - reach));
		const to = Math.min(limit - 1, Math.floor(center + reach));
		let total = 0;
		for (let pixel = from; pixel <= to; pixel++) total += 1 - Math.abs(pixel - center) / reach;
		for (let pixel = from; pixel <= to; pixel++) {
			weights[sample * tapsPerSample + pixel - from] = (1 - Math.abs(pixel - center) / reach) / total;
		}
		starts[sample] = from;
		counts[sample] = to - from + 1;
		first = Math.min(first, from);
		last = Math.max(last, to);
	}
	return { starts, counts, weights, tapsPerSample, first, last };
}
