import { expect, test } from 'vitest';
import { toFaceLandmarks } from './landmark-points.ts';

/** Point i at (i, 100 + i), so that a mean tells which points it was taken of. */
const points = Array.from({ length: 68 }, (_, index) => ({ x: index, y: 100 + index }));

test('the six points are the means of their iBUG points', () => {
	expect(toFaceLandmarks(points)).toEqual({
		leftEye: { x: 38.5, y: 138.5 },
		rightEye: { x: 44.5, y: 144.5 },
		nose: { x: 30.75, y: 130.75 },
		mouthCenter: { x: 63.5, y: 163.5 },
		mouthLeft: { x: 48, y: 148 },
		mouthRight: { x: 54, y: 154 },
	});
});

test('another number of points is refused', () => {
	expect(() => toFaceLandmarks(points.slice(1))).toThrow('Expected 68 landmarks but received 67');
});
