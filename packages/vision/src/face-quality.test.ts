import type { FaceLandmarks, RgbImage } from '@facet/contracts';
import { describe, expect, test } from 'vitest';
import { frontalnessOf, qualityOf, sharpnessOf } from './face-quality.ts';

function grey(side: number, value: (x: number, y: number) => number): RgbImage {
	const data = new Uint8Array(side * side * 3);
	for (let y = 0; y < side; y++) {
		for (let x = 0; x < side; x++) data.fill(value(x, y), 3 * (y * side + x), 3 * (y * side + x) + 3);
	}
	return { data, width: side, height: side };
}

describe('sharpnessOf', () => {
	test('is more for a hard edge than for a soft one, whatever the contrast', () => {
		const hard = sharpnessOf(grey(32, (x) => (x < 16 ? 50 : 200)));
		const faint = sharpnessOf(grey(32, (x) => (x < 16 ? 100 : 120)));
		const soft = sharpnessOf(grey(32, (x) => 50 + (150 * x) / 32));
		expect(hard).toBeGreaterThan(10 * soft);
		expect(faint).toBeCloseTo(hard, 1);
	});

	test('is 0 for a plain patch', () => {
		expect(sharpnessOf(grey(32, () => 128))).toBe(0);
	});
});

describe('frontalnessOf', () => {
	const landmarks = (noseX: number, noseY: number): FaceLandmarks => ({
		leftEye: { x: -10, y: 0 },
		rightEye: { x: 10, y: 0 },
		nose: { x: noseX, y: noseY },
		mouthCenter: { x: 0, y: 20 },
		mouthLeft: { x: -8, y: 20 },
		mouthRight: { x: 8, y: 20 },
	});

	test('is 1 for a face into the camera, less for a turned or nodding one, 0 in profile', () => {
		expect(frontalnessOf(landmarks(0, 9.88))).toBeCloseTo(1, 6);
		expect(frontalnessOf(landmarks(4, 9.88))).toBeCloseTo(0.6, 6);
		expect(frontalnessOf(landmarks(0, 14))).toBeLessThan(0.7);
		expect(frontalnessOf(landmarks(11, 9.88))).toBe(0);
	});
});

test('quality grows with size, sharpness and frontalness', () => {
	const view = { box: { x: 0, y: 0, width: 50, height: 60 }, sharpness: 0.05, frontalness: 0.5 };
	const quality = qualityOf(view);
	expect(qualityOf({ ...view, box: { ...view.box, width: 60 } })).toBeGreaterThan(quality);
	expect(qualityOf({ ...view, sharpness: 0.08 })).toBeGreaterThan(quality);
	expect(qualityOf({ ...view, frontalness: 0.6 })).toBeGreaterThan(quality);
});
