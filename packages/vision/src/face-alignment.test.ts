import type { FaceLandmarks, Point, RgbImage } from '@facet/contracts';
import { describe, expect, test } from 'vitest';
import { alignFace, fitSimilarity } from './face-alignment.ts';

const square: Point[] = [
	{ x: 0, y: 0 },
	{ x: 10, y: 0 },
	{ x: 10, y: 10 },
	{ x: 0, y: 10 },
];

describe('fitSimilarity', () => {
	test('finds rotation, scale and shift', () => {
		const angle = Math.PI / 6;
		const [a, b] = [2 * Math.cos(angle), 2 * Math.sin(angle)];
		const moved = square.map(({ x, y }) => ({ x: a * x - b * y + 5, y: b * x + a * y - 7 }));
		const fitted = fitSimilarity(square, moved);
		expect(fitted?.a).toBeCloseTo(a, 9);
		expect(fitted?.b).toBeCloseTo(b, 9);
		expect(fitted?.shiftX).toBeCloseTo(5, 9);
		expect(fitted?.shiftY).toBeCloseTo(-7, 9);
	});

	test('has nothing to say of points that coincide', () => {
		expect(
			fitSimilarity(
				[square[0], square[0]].flatMap((point) => point ?? []),
				square,
			),
		).toBeUndefined();
	});
});

/** The ArcFace template's points, with the mouth's centre. */
const upright: FaceLandmarks = {
	leftEye: { x: 38.2946, y: 51.6963 },
	rightEye: { x: 73.5318, y: 51.5014 },
	nose: { x: 56.0252, y: 71.7366 },
	mouthCenter: { x: 56.1, y: 92.3 },
	mouthLeft: { x: 41.5493, y: 92.3655 },
	mouthRight: { x: 70.7299, y: 92.2041 },
};

/** Red grows to the right, green downwards. */
function gradient(side: number, scale: number): RgbImage {
	const data = new Uint8Array(side * side * 3);
	for (let y = 0; y < side; y++) {
		for (let x = 0; x < side; x++) data.set([x / scale, y / scale, 0], 3 * (y * side + x));
	}
	return { data, width: side, height: side };
}

function mapPoints(landmarks: FaceLandmarks, map: (point: Point) => Point): FaceLandmarks {
	const { leftEye, rightEye, nose, mouthCenter, mouthLeft, mouthRight } = landmarks;
	return {
		leftEye: map(leftEye),
		rightEye: map(rightEye),
		nose: map(nose),
		mouthCenter: map(mouthCenter),
		mouthLeft: map(mouthLeft),
		mouthRight: map(mouthRight),
	};
}

describe('alignFace', () => {
	test('leaves a face alone that lies on the template', () => {
		const image = gradient(112, 1);
		expect(alignFace(image, upright, 112)).toEqual(image);
	});

	test('turns a face upright', () => {
		// A quarter turn clockwise: (x, y) goes to (111 - y, x).
		const turned = mapPoints(upright, ({ x, y }) => ({ x: 111 - y, y: x }));
		const aligned = alignFace(gradient(112, 1), turned, 112);
		const at = 3 * (30 * 112 + 70);
		expect(aligned?.data[at]).toBe(111 - 30);
		expect(aligned?.data[at + 1]).toBe(70);
	});

	test('averages what it shrinks', () => {
		const image = gradient(448, 2);
		// Stripes one pixel wide: plain sampling would see one colour only.
		for (let i = 2; i < image.data.length; i += 3) image.data[i] = ((i - 2) / 3) % 2 === 0 ? 0 : 200;
		const large = mapPoints(upright, ({ x, y }) => ({ x: 4 * x + 1.5, y: 4 * y + 1.5 }));
		const aligned = alignFace(image, large, 112);
		expect(aligned?.data[3 * (50 * 112 + 50) + 2]).toBeGreaterThan(90);
		expect(aligned?.data[3 * (50 * 112 + 50) + 2]).toBeLessThan(110);
	});

	test('is black outside the picture', () => {
		const cut = mapPoints(upright, ({ x, y }) => ({ x: x - 60, y }));
		expect(alignFace(gradient(112, 1), cut, 112)?.data.subarray(0, 3)).toEqual(new Uint8Array(3));
	});

	test('has nothing to align when all landmarks coincide', () => {
		const point = mapPoints(upright, () => ({ x: 5, y: 5 }));
		expect(alignFace(gradient(112, 1), point, 112)).toBeUndefined();
	});
});
