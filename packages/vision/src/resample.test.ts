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

test('mirrorPlanes turns the written part around and leaves the rest', () => {
	const out = target(2, 1, 3, 2);
	out.planes.set([1, 2, 9, 8, 8, 8, 3, 4, 9, 8, 8, 8, 5, 6, 9, 8, 8, 8]);
	mirrorPlanes(out);
	expect([...out.planes]).toEqual([2, 1, 9, 8, 8, 8, 4, 3, 9, 8, 8, 8, 6, 5, 9, 8, 8, 8]);
});
