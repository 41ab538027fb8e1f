import { describe, expect, it } from 'vitest';
import { displayGeometry, fitInside, parseDisplayMatrix, toQuarterTurn } from './display-geometry.ts';

/** As ffprobe prints it. */
function matrix(a: number, b: number, c: number, d: number): string {
	const rows = [
		[a * 65536, b * 65536, 0],
		[c * 65536, d * 65536, 0],
		[0, 0, 1073741824],
	];
	return rows
		.map((row, i) => `\n0000000${i}: ${row.map((value) => String(value).padStart(12)).join('')}`)
		.join('');
}

describe('parseDisplayMatrix', () => {
	it.each([
		[[1, 0, 0, 1], 0, false],
		[[0, 1, -1, 0], 90, false],
		[[-1, 0, 0, -1], 180, false],
		[[0, -1, 1, 0], 270, false],
		[[-1, 0, 0, 1], 0, true],
		[[1, 0, 0, -1], 180, true],
	] as const)('%j is %i degrees, mirrored: %s', ([a, b, c, d], rotation, mirrored) => {
		expect(parseDisplayMatrix(matrix(a, b, c, d))).toEqual({ rotation, mirrored });
	});

	it('takes what is no matrix for none', () => {
		expect(parseDisplayMatrix('')).toBeUndefined();
		expect(parseDisplayMatrix(matrix(0, 0, 0, 0))).toBeUndefined();
	});
});

describe('displayGeometry', () => {
	const upright = { rotation: 0, mirrored: false } as const;

	it('makes pixels square by enlarging', () => {
		expect(displayGeometry({ width: 720, height: 576 }, 16 / 11, upright)).toMatchObject({
			width: 1047,
			height: 576,
		});
		expect(displayGeometry({ width: 720, height: 480 }, 8 / 9, upright)).toMatchObject({
			width: 720,
			height: 540,
		});
	});

	it('takes what scaling to whole pixels left behind for square', () => {
		expect(displayGeometry({ width: 317, height: 179 }, 2864 / 2853, upright)).toMatchObject({ width: 317 });
	});

	it('swaps the sides of what is turned', () => {
		expect(displayGeometry({ width: 640, height: 480 }, 2, { rotation: 90, mirrored: false })).toMatchObject({
			width: 480,
			height: 1280,
		});
	});

	it('does not believe in pixels a hundred times as wide as high', () => {
		expect(displayGeometry({ width: 10, height: 10 }, 100, upright)).toMatchObject({ width: 10, height: 10 });
	});

	it('goes to the nearest quarter turn', () => {
		expect([-90, 450, 44, 46, 360].map(toQuarterTurn)).toEqual([270, 90, 0, 90, 0]);
	});

	it('fits, and never enlarges', () => {
		expect(fitInside({ width: 1920, height: 1080 }, 640)).toEqual({ width: 640, height: 360 });
		expect(fitInside({ width: 100, height: 50 }, 640)).toEqual({ width: 100, height: 50 });
		expect(fitInside({ width: 10_000, height: 1 }, 100)).toEqual({ width: 100, height: 1 });
	});
});
