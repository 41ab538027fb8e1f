import { expect, it } from 'vitest';
import { toSourcePixels } from './source-pixels.ts';

const point = { x: 10, y: 20 };
const landmarks = {
	leftEye: point,
	rightEye: point,
	nose: point,
	mouthCenter: point,
	mouthLeft: point,
	mouthRight: point,
};

it('scales each axis by its own factor, and clips boxes to the picture', () => {
	const detections = [{ box: { x: 90, y: -5, width: 20, height: 30 }, score: 0.98765, landmarks }];
	expect(toSourcePixels(detections, { width: 100, height: 50 }, { width: 301, height: 150 })).toEqual([
		{
			box: { x: 270.9, y: 0, width: 30.1, height: 75 },
			score: 0.9877,
			landmarks: expect.objectContaining({ leftEye: { x: 30.1, y: 60 } }),
		},
	]);
});

it('drops a box that lies outside', () => {
	const detections = [{ box: { x: 120, y: 0, width: 20, height: 30 }, score: 0.9, landmarks }];
	expect(toSourcePixels(detections, { width: 100, height: 50 }, { width: 300, height: 150 })).toEqual([]);
});
