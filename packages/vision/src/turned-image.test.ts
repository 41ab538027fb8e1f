import type { Detection, RgbImage } from '@facet/contracts';
import { expect, test } from 'vitest';
import { type Turn, turnBack, turnImage } from './turned-image.ts';

/** 3 x 2 pixels, each with its number in all channels. */
const picture: RgbImage = {
	data: Uint8Array.from({ length: 18 }, (_, index) => Math.floor(index / 3)),
	width: 3,
	height: 2,
};

const numbers = ({ data }: RgbImage) => [...data].filter((_, index) => index % 3 === 0);

test.each<[Turn, number, number[]]>([
	[90, 2, [3, 0, 4, 1, 5, 2]],
	[180, 3, [5, 4, 3, 2, 1, 0]],
	[270, 2, [2, 5, 1, 4, 0, 3]],
])('turns by %i degrees clockwise', (turn, width, expected) => {
	const turned = turnImage(picture, turn);
	expect(turned.width).toBe(width);
	expect(numbers(turned)).toEqual(expected);
});

test.each<Turn>([90, 180, 270])('brings what was found at %i degrees back', (turn) => {
	const turned = turnImage(picture, turn);
	// The pixel with number 1 is at (1, 0) of the picture; each pixel is a box of one by one.
	const at = numbers(turned).indexOf(1);
	const box = { x: at % turned.width, y: Math.floor(at / turned.width), width: 1, height: 1 };
	const center = { x: box.x + 0.5, y: box.y + 0.5 };
	const landmarks = {
		leftEye: center,
		rightEye: center,
		nose: center,
		mouthCenter: center,
		mouthLeft: center,
		mouthRight: center,
	};
	const face: Detection = { box, score: 1, landmarks };
	const back = turnBack(face, turn, picture);
	expect(back.box).toEqual({ x: 1, y: 0, width: 1, height: 1 });
	expect(back.landmarks.nose).toEqual({ x: 1.5, y: 0.5 });
});
