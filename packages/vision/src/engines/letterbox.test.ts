import { describe, expect, test } from 'vitest';
import { letterbox, toImagePixels } from './letterbox.ts';

const SIZE = { width: 8, height: 8 };
const plain = {
	normalisation: { mean: 127.5, scale: 127.5 },
	input: { ...SIZE, channels: 'rgb' as const },
};
const BLACK = -1;

/** A picture of one colour. */
function picture(width: number, height: number, colour: readonly number[]) {
	const data = new Uint8Array(width * height * 3).map((_, index) => colour[index % 3] ?? 0);
	return { data, width, height };
}

/** A plane, row by row. */
function rows(planes: Float32Array, plane: number): number[][] {
	return Array.from({ length: 8 }, (_, y) => [
		...planes.subarray(plane * 64 + y * 8, plane * 64 + y * 8 + 8),
	]);
}

describe('letterbox', () => {
	test('puts the picture into the top-left corner, the rest is black, what does not fit is cut off', () => {
		const image = picture(16, 11, [255, 255, 255]);
		const { planes, scaleX, scaleY } = letterbox(image, { x: 0, y: 0, ...image }, SIZE, plain);
		const red = rows(planes, 0);
		// 5.5 rows: five.
		for (const row of red.slice(0, 5)) for (const value of row) expect(value).toBeCloseTo(1, 5);
		for (const row of red.slice(5)) expect(row).toEqual(Array(8).fill(BLACK));
		expect(scaleX).toBe(2);
		expect(scaleY).toBe(11 / 5);
	});

	test('keeps the channels in the order that the network wants', () => {
		const image = picture(8, 8, [255, 0, 0]);
		const region = { x: 0, y: 0, width: 8, height: 8 };
		const bgr = { ...plain, input: { ...plain.input, channels: 'bgr' as const } };
		const first = (planes: Float32Array) => [0, 1, 2].map((plane) => Math.round(planes[plane * 64] ?? 9));
		expect(first(letterbox(image, region, SIZE, plain).planes)).toEqual([1, -1, -1]);
		expect(first(letterbox(image, region, SIZE, bgr).planes)).toEqual([-1, -1, 1]);
	});

	test('copies a picture of the right size, pixel by pixel, and a part of one', () => {
		const data = new Uint8Array(10 * 9 * 3).map((_, index) => (index * 37) % 256);
		const image = { data, width: 10, height: 9 };
		for (const [x, y] of [
			[0, 0],
			[2, 1],
			[5, 4],
		] as const) {
			const { planes } = letterbox(image, { x, y, width: 8, height: 8 }, SIZE, plain);
			const expected = Array.from({ length: 3 * 64 }, (_, index) => {
				const [plane, row, column] = [Math.floor(index / 64), Math.floor((index % 64) / 8), index % 8];
				if (x + column >= 10 || y + row >= 9) return BLACK;
				return ((data[((y + row) * 10 + x + column) * 3 + plane] ?? 0) - 127.5) / 127.5;
			});
			for (const [index, value] of expected.entries()) expect(planes[index]).toBeCloseTo(value, 5);
		}
	});

	test('is black where a region reaches over the picture', () => {
		const image = picture(4, 4, [255, 255, 255]);
		const region = { x: -2, y: -2, width: 8, height: 8 };
		const red = rows(letterbox(image, region, SIZE, plain).planes, 0);
		for (const [y, row] of red.entries()) {
			for (const [x, value] of row.entries()) {
				const isInside = x >= 2 && x < 6 && y >= 2 && y < 6;
				expect(value).toBeCloseTo(isInside ? 1 : BLACK, 5);
			}
		}
	});

	test('is all black for a region beside the picture', () => {
		const image = picture(4, 4, [255, 255, 255]);
		const { planes } = letterbox(image, { x: 10, y: 10, width: 4, height: 4 }, SIZE, plain);
		expect(new Set(planes)).toEqual(new Set([BLACK]));
	});
});

describe('toImagePixels', () => {
	test('moves and scales what was found', () => {
		const image = picture(40, 20, [0, 0, 0]);
		const box = letterbox(image, { x: 4, y: 2, width: 16, height: 16 }, SIZE, plain);
		const found = toImagePixels({ score: 0.5, box: { x: 1, y: 2, width: 3, height: 4 } }, box);
		expect(found).toEqual({ score: 0.5, box: { x: 6, y: 6, width: 6, height: 8 } });
	});
});
