import { describe, expect, it } from 'vitest';
import { cutOut } from './cut-out.ts';

/** Each pixel says where it is: column, row, 0. */
function image(width: number, height: number) {
	const pixels = Array.from({ length: width * height }, (_, i) => [i % width, Math.floor(i / width), 0]);
	return { data: Uint8Array.from(pixels.flat()), width, height };
}

describe('cutOut', () => {
	it('copies the rows of a region', () => {
		expect(cutOut(image(5, 4), { x: 3, y: 1, width: 2, height: 2 })).toEqual({
			data: Uint8Array.from([3, 1, 0, 4, 1, 0, 3, 2, 0, 4, 2, 0]),
			width: 2,
			height: 2,
		});
	});

	it('of the whole image is the image', () => {
		expect(cutOut(image(3, 2), { x: 0, y: 0, width: 3, height: 2 })).toEqual(image(3, 2));
	});
});
