import type { RgbImage } from '@facet/contracts';
import { describe, expect, test } from 'vitest';
import { lookAt, viewQuality } from './view-quality.ts';

const FRONTAL = { yaw: 0, pitch: 0, roll: 0 };
const box = { x: 20, y: 20, width: 120, height: 120 };

/** A picture of 160 x 160 grey pixels. */
function picture(value: (x: number, y: number) => number): RgbImage {
	const side = 160;
	const data = new Uint8Array(side * side * 3);
	for (let i = 0; i < side * side; i++) {
		data.fill(value(i % side, Math.floor(i / side)), 3 * i, 3 * i + 3);
	}
	return { data, width: side, height: side };
}

const sharp = picture((x, y) => (((x >> 2) + (y >> 2)) % 2 === 0 ? 80 : 180));
const soft = picture((x, y) => 130 + 50 * Math.sin(x / 20) * Math.sin(y / 20));

describe('viewQuality', () => {
	const good = { image: sharp, box, pose: FRONTAL, scale: 1 };

	test('is 1 for a large, sharp, well lit face into the camera', () => {
		expect(viewQuality(good)).toBe(1);
	});

	test('is less for a smaller, softer, darker, brighter or turned one', () => {
		const small = { x: 40, y: 40, width: 40, height: 40 };
		for (const worse of [
			{ ...good, box: small },
			{ ...good, image: soft },
			{ ...good, image: picture((x, y) => (sharp.data[3 * (160 * y + x)] ?? 0) >> 3) },
			{ ...good, image: picture((x) => (x % 2 === 0 ? 255 : 235)) },
			{ ...good, pose: { ...FRONTAL, yaw: -50 } },
			{ ...good, pose: undefined },
		]) {
			expect(viewQuality(worse)).toBeLessThan(0.85);
			expect(viewQuality(worse)).toBeGreaterThan(0);
		}
	});

	test('counts pixels of the picture, not of the copy that was looked at', () => {
		const view = { ...good, box: { x: 40, y: 40, width: 56, height: 56 } };
		expect(viewQuality({ ...view, scale: 2 })).toBeGreaterThan(viewQuality(view));
	});

	test('roll does not count', () => {
		expect(viewQuality({ ...good, pose: { ...FRONTAL, roll: 170 } })).toBe(1);
	});
});

test('sharpness does not depend on contrast, nor brightness on detail', () => {
	const faint = picture((x, y) => 125 + (sharp.data[3 * (160 * y + x)] ?? 0) / 30);
	expect(lookAt(faint, box).sharpness).toBeGreaterThan(lookAt(sharp, box).sharpness / 2);
	expect(lookAt(soft, box).sharpness).toBeLessThan(0.01);
	expect(lookAt(sharp, box).brightness).toBeCloseTo(130, -1);
});

test('a face that the edge cuts, or a face of a few pixels, is no trouble', () => {
	for (const edge of [
		{ x: -50, y: -50, width: 80, height: 80 },
		{ x: 159, y: 159, width: 1, height: 1 },
	]) {
		expect(viewQuality({ image: sharp, box: edge, pose: FRONTAL, scale: 1 })).toBeGreaterThan(0);
	}
});
