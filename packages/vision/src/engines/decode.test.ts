import { describe, expect, test } from 'vitest';
import { decodeScrfd } from './scrfd.ts';
import { decodeYuNet } from './yunet.ts';

const COLUMNS = 3;
const ROWS = 2;
const STRIDE = 16;

/** Evenly spread, the same each time. */
function noise(length: number, seed: number): Float32Array {
	return new Float32Array(length).map((_, index) => (((index + seed) * 7919) % 101) / 101);
}

describe('decodeScrfd', () => {
	const count = COLUMNS * ROWS * 2;
	const level = {
		stride: STRIDE,
		columns: COLUMNS,
		anchors: 2,
		scores: [noise(count, 1)],
		boxes: noise(count * 4, 2),
		points: noise(count * 10, 3),
	};

	test('puts each anchor of each cell where the paper does', () => {
		const faces = decodeScrfd(level, 0);
		expect(faces).toHaveLength(count);
		let index = 0;
		for (let row = 0; row < ROWS; row++) {
			for (let column = 0; column < COLUMNS; column++) {
				for (let anchor = 0; anchor < 2; anchor++, index++) {
					const [left = 0, top = 0, right = 0, bottom = 0] = level.boxes.subarray(4 * index);
					const [eyeX = 0, eyeY = 0] = level.points.subarray(10 * index);
					const face = faces[index];
					expect(face?.score).toBe(level.scores[0]?.[index]);
					expect(face?.box.x).toBeCloseTo(column * STRIDE - left * STRIDE, 4);
					expect(face?.box.y).toBeCloseTo(row * STRIDE - top * STRIDE, 4);
					expect((face?.box.x ?? 0) + (face?.box.width ?? 0)).toBeCloseTo((column + right) * STRIDE, 4);
					expect((face?.box.y ?? 0) + (face?.box.height ?? 0)).toBeCloseTo((row + bottom) * STRIDE, 4);
					expect(face?.landmarks?.leftEye.x).toBeCloseTo((column + eyeX) * STRIDE, 4);
					expect(face?.landmarks?.leftEye.y).toBeCloseTo((row + eyeY) * STRIDE, 4);
				}
			}
		}
	});

	test('leaves out what is below the threshold, and the points where there are none', () => {
		const faces = decodeScrfd({ ...level, points: undefined }, 0.5);
		expect(faces.length).toBeGreaterThan(0);
		expect(faces.length).toBeLessThan(count);
		for (const face of faces) {
			expect(face.score).toBeGreaterThanOrEqual(0.5);
			expect(face).not.toHaveProperty('landmarks');
		}
	});
});

describe('decodeYuNet', () => {
	const count = COLUMNS * ROWS;
	const classes = noise(count, 4);
	const objects = noise(count, 5);
	const level = {
		stride: STRIDE,
		columns: COLUMNS,
		anchors: 1,
		scores: [classes, objects],
		boxes: noise(count * 4, 6),
		points: noise(count * 10, 7),
	};

	test('puts each cell where OpenCV does', () => {
		const faces = decodeYuNet(level, 0);
		expect(faces).toHaveLength(count);
		for (const [index, { score, box, landmarks }] of faces.entries()) {
			const column = index % COLUMNS;
			const row = Math.floor(index / COLUMNS);
			const [across = 0, down = 0, width = 0, height = 0] = level.boxes.subarray(4 * index);
			const mouthRight = level.points.subarray(10 * index + 8);
			expect(score).toBeCloseTo(((classes[index] ?? 0) * (objects[index] ?? 0)) ** 0.5, 6);
			expect(box.width).toBeCloseTo(Math.exp(width) * STRIDE, 4);
			expect(box.height).toBeCloseTo(Math.exp(height) * STRIDE, 4);
			expect(box.x + box.width / 2).toBeCloseTo((column + across) * STRIDE, 4);
			expect(box.y + box.height / 2).toBeCloseTo((row + down) * STRIDE, 4);
			expect(landmarks?.mouthRight.x).toBeCloseTo((column + (mouthRight[0] ?? 0)) * STRIDE, 4);
			expect(landmarks?.mouthRight.y).toBeCloseTo((row + (mouthRight[1] ?? 0)) * STRIDE, 4);
		}
	});

	test('keeps scores in 0..1', () => {
		const scores = [new Float32Array([2, -1, 1]), new Float32Array([1, 1, 0.25])];
		const faces = decodeYuNet({ ...level, scores }, 0);
		expect(faces.map(({ score }) => score)).toEqual([1, 0, 0.5]);
	});
});
