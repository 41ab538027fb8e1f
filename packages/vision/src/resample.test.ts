import type { BoundingBox, RgbImage, Size } from '@facet/contracts';
import { describe, expect, test } from 'vitest';
import { mirrorPlanes, resampleRegion } from './resample.ts';

/** A grey image of the given rows. */
function grey(...rows: number[][]) {
	const data = Uint8Array.from(rows.flat().flatMap((value) => [value, value, value]));
	return { data, width: rows[0]?.length ?? 0, height: rows.length };
}

function target(width: number, height: number, planeWidth = width, planeHeight = height) {
	const planes = new Float32Array(3 * planeWidth * planeHeight);
	return { planes, planeWidth, planeHeight, width, height, mean: 0, scale: 1 };
}

describe('resampleRegion', () => {
	test('the same size is a copy into planes', () => {
		const image = { data: Uint8Array.of(1, 2, 3, 4, 5, 6), width: 2, height: 1 };
		const out = target(2, 1);
		resampleRegion(image, { x: 0, y: 0, width: 2, height: 1 }, out);
		expect([...out.planes]).toEqual([1, 4, 2, 5, 3, 6]);
	});

	test('a region of whole pixels at the same size is the pixels as they are', () => {
		const out = target(2, 1, 3, 2);
		resampleRegion(grey([1, 2, 3], [4, 5, 6], [7, 8, 9]), { x: 1, y: 1, width: 2, height: 1 }, out);
		expect([...out.planes.subarray(0, 6)]).toEqual([5, 6, 0, 0, 0, 0]);
	});

	test('normalises', () => {
		const out = { ...target(1, 1), mean: 127, scale: 128 };
		resampleRegion(grey([255]), { x: 0, y: 0, width: 1, height: 1 }, out);
		expect([...out.planes]).toEqual([1, 1, 1]);
	});

	test('shrinking looks at every pixel: a fine pattern becomes its mean', () => {
		const stripes = Array.from({ length: 64 }, (_, x) => (x % 2) * 200);
		const out = target(8, 1);
		resampleRegion(grey(stripes), { x: 0, y: 0, width: 64, height: 1 }, out);
		for (const value of out.planes) expect(value).toBeCloseTo(100, -1);
	});

	test('enlarging goes straight from pixel centre to pixel centre', () => {
		const out = target(4, 1);
		resampleRegion(grey([0, 100]), { x: 0, y: 0, width: 2, height: 1 }, out);
		expect([...out.planes.subarray(0, 4)]).toEqual([0, 25, 75, 100]);
	});

	test('a region beyond the edge goes on with the edge pixels', () => {
		const out = target(4, 1);
		resampleRegion(grey([10, 90]), { x: -1, y: 0, width: 4, height: 1 }, out);
		expect([...out.planes.subarray(0, 4)]).toEqual([10, 10, 90, 90]);
	});

	test('writes the top-left part of larger planes and nothing else', () => {
		const out = target(1, 1, 2, 2);
		resampleRegion(grey([7]), { x: 0, y: 0, width: 1, height: 1 }, out);
		expect([...out.planes]).toEqual([7, 0, 0, 0, 7, 0, 0, 0, 7, 0, 0, 0]);
	});
});

describe('every pixel', () => {
	/** By the definition: each output value is the mean of the source values, weighted by a triangle around its place. */
	function byDefinition(
		image: RgbImage,
		region: BoundingBox,
		{ width, height }: Size,
		x: number,
		y: number,
	): number[] {
		const triangle = (start: number, length: number, samples: number, limit: number, index: number) => {
			const step = length / samples;
			const reach = Math.max(1, step);
			const center = Math.min(Math.max(start + (index + 0.5) * step - 0.5, 0), limit - 1);
			return Array.from({ length: limit }, (_, pixel) => Math.max(0, 1 - Math.abs(pixel - center) / reach));
		};
		const columns = triangle(region.x, region.width, width, image.width, x);
		const rows = triangle(region.y, region.height, height, image.height, y);
		const sums = [0, 0, 0, 0];
		for (const [row, rowWeight] of rows.entries()) {
			for (const [column, columnWeight] of columns.entries()) {
				const weight = rowWeight * columnWeight;
				if (weight === 0) continue;
				const at = 3 * (row * image.width + column);
				for (let channel = 0; channel < 3; channel++) {
					sums[channel] = (sums[channel] ?? 0) + weight * (image.data[at + channel] ?? 0);
				}
				sums[3] = (sums[3] ?? 0) + weight;
			}
		}
		return sums.slice(0, 3).map((sum) => sum / (sums[3] ?? 1));
	}

	function noise(width: number, height: number): RgbImage {
		let state = 1;
		const data = Uint8Array.from({ length: 3 * width * height }, () => {
			state = (state * 48_271) % 2_147_483_647;
			return state;
		});
		return { data, width, height };
	}

	test.each([
		['shrunk', noise(53, 41), { x: 3.3, y: 2.7, width: 44.1, height: 30.9 }, [17, 13]],
		['enlarged', noise(19, 23), { x: 1.5, y: 0.25, width: 11.2, height: 13.7 }, [40, 33]],
		['over the edges', noise(31, 29), { x: -9.5, y: -7.1, width: 60, height: 47.3 }, [24, 21]],
		['narrower than the planes', noise(64, 5), { x: 0, y: 0, width: 64, height: 5 }, [7, 3]],
		[
			'of more rows than go into a band',
			noise(2000, 700),
			{ x: 0, y: 0, width: 2000, height: 700 },
			[40, 30],
		],
		[
			'of more output than goes into a band',
			noise(30, 20),
			{ x: 0, y: 0, width: 30, height: 20 },
			[900, 300],
		],
	] as const)('%s is the weighted mean around it', (_name, image, region, [width, height]) => {
		const out = target(width, height, width + 2, height + 1);
		resampleRegion(image, region, out);
		const step = Math.ceil((width * height) / 100);
		for (let index = 0; index < width * height; index += step) {
			const [x, y] = [index % width, Math.floor(index / width)];
			const at = y * (width + 2) + x;
			const plane = (width + 2) * (height + 1);
			const values = [0, 1, 2].map((channel) => out.planes[at + channel * plane] ?? Number.NaN);
			for (const [channel, value] of byDefinition(image, region, { width, height }, x, y).entries()) {
				// Weights of rows are in parts of 16384.
				expect(Math.abs((values[channel] ?? Number.NaN) - value)).toBeLessThan(0.02);
			}
		}
	});
});

test('pictures that take turns, small ones and one that is too large to be kept, are not mixed up', () => {
	const dark = grey([1, 1, 1, 1]);
	const light = grey([9, 9, 9, 9]);
	const large = grey(...Array.from({ length: 800 }, () => Array.from({ length: 1000 }, () => 5)));
	const meanOf = (image: RgbImage) => {
		const out = target(1, 1);
		resampleRegion(image, { x: 0, y: 0, width: image.width, height: image.height }, out);
		return Math.round(out.planes[0] ?? Number.NaN);
	};
	expect([dark, dark, light, dark, large, dark, light, large].map(meanOf)).toEqual([1, 1, 9, 1, 5, 1, 9, 5]);
});

test('mirrorPlanes turns the written part around and leaves the rest', () => {
	const out = target(2, 1, 3, 2);
	out.planes.set([1, 2, 9, 8, 8, 8, 3, 4, 9, 8, 8, 8, 5, 6, 9, 8, 8, 8]);
	mirrorPlanes(out);
	expect([...out.planes]).toEqual([2, 1, 9, 8, 8, 8, 4, 3, 9, 8, 8, 8, 6, 5, 9, 8, 8, 8]);
});
