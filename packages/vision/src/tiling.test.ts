import { describe, expect, test } from 'vitest';
import { isCutByTile, tileGrid } from './tiling.ts';

const image = { width: 700, height: 350 };

describe('tileGrid', () => {
	test('one division is the whole image', () => {
		expect(tileGrid(image, 1, 0)).toEqual([{ x: 0, y: 0, width: 700, height: 350 }]);
	});

	test('tiles overlap by a part of their side and end at the image edge', () => {
		expect(tileGrid(image, 2, 0.25)).toEqual([
			{ x: 0, y: 0, width: 400, height: 200 },
			{ x: 300, y: 0, width: 400, height: 200 },
			{ x: 0, y: 150, width: 400, height: 200 },
			{ x: 300, y: 150, width: 400, height: 200 },
		]);
	});

	test('tiles are whole pixels, and end at the image edge', () => {
		const tiles = tileGrid({ width: 560, height: 373 }, 2, 0.25);
		expect(tiles[0]).toEqual({ x: 0, y: 0, width: 320, height: 213 });
		expect(tiles[3]).toEqual({ x: 240, y: 160, width: 320, height: 213 });
		expect(tileGrid({ width: 1, height: 1 }, 2, 0.25)[3]).toEqual({ x: 0, y: 0, width: 1, height: 1 });
	});
});

describe('isCutByTile', () => {
	const topLeft = { x: 0, y: 0, width: 400, height: 200 };
	const bottomRight = { x: 300, y: 150, width: 400, height: 200 };
	const isCut = (x: number, y: number, tile = topLeft) =>
		isCutByTile({ x, y, width: 50, height: 50 }, tile, image, 0.02);

	test('a face in the middle of a tile is whole', () => {
		expect(isCut(100, 100)).toBe(false);
	});

	test('a face at an inner edge is cut', () => {
		expect(isCut(345, 100)).toBe(true);
		expect(isCut(100, 148)).toBe(true);
		expect(isCut(305, 250, bottomRight)).toBe(true);
	});

	test('a face at the image edge is not cut by the tile', () => {
		expect(isCut(-10, -10)).toBe(false);
		expect(isCut(660, 310, bottomRight)).toBe(false);
	});
});
