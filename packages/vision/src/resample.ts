import type { BoundingBox, RgbImage, Size } from '@facet/contracts';

/** Where the pixels of a region go in a planar float tensor, and how their values are normalised. */
export interface PlaneTarget extends Size {
	/** Three planes (red, green, blue), each `planeWidth * planeHeight` values, row by row. */
	readonly planes: Float32Array;
	readonly planeWidth: number;
	readonly planeHeight: number;
	/** Values are written as `(value - mean) / scale`, `value` being 0..255. */
	readonly mean: number;
	readonly scale: number;
	/** Whether to write the region mirrored left to right. */
	readonly mirrored?: boolean;
}

/**
 * Resamples a region of an image into the top-left `width` x `height` of a tensor's planes.
 *
 * A triangle filter as wide as the step between samples: bilinear when enlarging, an area average when shrinking, so
 * that small faces keep their contrast instead of aliasing. The region may be fractional and may reach over the image's
 * edge, where the edge pixels go on.
 */
export function resampleRegion(image: RgbImage, region: BoundingBox, target: PlaneTarget): void {
	const { width, height, planes, planeWidth, planeHeight } = target;
	const columns = filterTaps(region.x, region.width, width, image.width, target.mirrored ?? false);
	const rows = filterTaps(region.y, region.height, height, image.height, false);
	const planeSize = planeWidth * planeHeight;
	const gain = 1 / target.scale;
	const bias = -target.mean / target.scale;

	const firstRow = rows.first;
	const squeezed = squeezeRows(image, columns, width, firstRow, rows.last - firstRow + 1);
	const stride = width * 3;
	for (let y = 0; y < height; y++) {
		const count = at(rows.counts, y);
		const top = (at(rows.starts, y) - firstRow) * stride;
		const firstWeight = y * rows.stride;
		let out = y * planeWidth;
		for (let column = 0; column < stride; column += 3, out++) {
			let red = 0;
			let green = 0;
			let blue = 0;
			for (let tap = 0, from = top + column; tap < count; tap++, from += stride) {
				const weight = at(rows.weights, firstWeight + tap);
				red += weight * at(squeezed, from);
				green += weight * at(squeezed, from + 1);
				blue += weight * at(squeezed, from + 2);
			}
			planes[out] = red * gain + bias;
			planes[out + planeSize] = green * gain + bias;
			planes[out + 2 * planeSize] = blue * gain + bias;
		}
	}
}

/** The horizontal pass: `rowCount` image rows from `firstRow`, each `width` interleaved RGB samples wide. */
function squeezeRows(
	image: RgbImage,
	columns: FilterTaps,
	width: number,
	firstRow: number,
	rowCount: number,
): Float32Array {
	const { data } = image;
	const squeezed = new Float32Array(rowCount * width * 3);
	let out = 0;
	for (let row = 0; row < rowCount; row++) {
		const rowStart = (firstRow + row) * image.width * 3;
		for (let x = 0; x < width; x++, out += 3) {
			const count = at(columns.counts, x);
			const firstWeight = x * columns.stride;
			let red = 0;
			let green = 0;
			let blue = 0;
			for (let tap = 0, from = rowStart + at(columns.starts, x) * 3; tap < count; tap++, from += 3) {
				const weight = at(columns.weights, firstWeight + tap);
				red += weight * at(data, from);
				green += weight * at(data, from + 1);
				blue += weight * at(data, from + 2);
			}
			squeezed[out] = red;
			squeezed[out + 1] = green;
			squeezed[out + 2] = blue;
		}
	}
	return squeezed;
}

/** The weighted source pixels of every sample along one axis. */
interface FilterTaps {
	/** First source pixel of each sample. */
	readonly starts: Int32Array;
	/** Number of source pixels of each sample. */
	readonly counts: Int32Array;
	/** `stride` weights a sample, which add up to 1. */
	readonly weights: Float32Array;
	readonly stride: number;
	/** The source pixels that any sample touches, inclusive. */
	readonly first: number;
	readonly last: number;
}

function filterTaps(
	start: number,
	length: number,
	samples: number,
	limit: number,
	mirrored: boolean,
): FilterTaps {
	const step = length / samples;
	const reach = Math.max(1, step);
	const stride = Math.floor(2 * reach) + 2;
	const starts = new Int32Array(samples);
	const counts = new Int32Array(samples);
	const weights = new Float32Array(samples * stride);
	let first = limit - 1;
	let last = 0;
	for (let sample = 0; sample < samples; sample++) {
		const position = mirrored ? samples - 1 - sample : sample;
		// Pixel centres are at half coordinates in both grids. Beyond the edge the nearest pixel stands in.
		const center = clamp(start + (position + 0.5) * step - 0.5, 0, limit - 1);
		const from = Math.max(0, Math.ceil(center - reach));
		const to = Math.min(limit - 1, Math.floor(center + reach));
		let total = 0;
		for (let pixel = from; pixel <= to; pixel++) {
			const weight = 1 - Math.abs(pixel - center) / reach;
			weights[sample * stride + pixel - from] = weight;
			total += weight;
		}
		for (let tap = 0; tap <= to - from; tap++) {
			const index = sample * stride + tap;
			weights[index] = at(weights, index) / total;
		}
		starts[sample] = from;
		counts[sample] = to - from + 1;
		first = Math.min(first, from);
		last = Math.max(last, to);
	}
	return { starts, counts, weights, stride, first, last };
}

/** An element that the loop's bounds say is there; typed arrays give `undefined` beyond their end. */
function at(values: Float32Array | Int32Array | Uint8Array, index: number): number {
	return values[index] ?? 0;
}

function clamp(value: number, low: number, high: number): number {
	return Math.min(Math.max(value, low), high);
}
