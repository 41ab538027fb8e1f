import { expect, test } from 'vitest';
import type { Candidate } from './engine.ts';
import { softenOverlaps } from './soft-suppression.ts';

const options = { iouThreshold: 0.4, leastScore: 0.05 };

/** Boxes of 100 x 100: shifted by a third they overlap by half. */
const at = (x: number, score: number): Candidate => ({ box: { x, y: 0, width: 100, height: 100 }, score });

test('what overlaps a face by half keeps exp(-0.5) of its score', () => {
	const [left] = softenOverlaps([at(0, 0.9)], [at(100 / 3, 0.8)], options);
	expect(left?.score).toBeCloseTo(0.8 * Math.exp(-0.25 / 0.5), 9);
	expect(left?.box.x).toBeCloseTo(100 / 3, 9);
});

test('a small overlap costs nothing', () => {
	expect(softenOverlaps([at(0, 0.9)], [at(50, 0.8), at(300, 0.7)], options)).toEqual([
		at(50, 0.8),
		at(300, 0.7),
	]);
});

test('candidates take from each other too, the better from the worse', () => {
	const left = softenOverlaps([], [at(100 / 3, 0.6), at(0, 0.8)], options);
	expect(left.map(({ score }) => score)).toEqual([0.8, expect.closeTo(0.6 * Math.exp(-0.5), 9)]);
});

test('each overlap takes its part, and the order is that of what is left', () => {
	const left = softenOverlaps([at(0, 0.9)], [at(10, 0.9), at(100 / 3, 0.5)], options);
	const near = 0.9 * Math.exp(-((90 / 110) ** 2) / 0.5);
	// By half from the face; then it is the better one, and takes from the other.
	const half = 0.5 * Math.exp(-0.5);
	const shared = 100 - (100 / 3 - 10);
	const between = Math.exp(-((shared / (200 - shared)) ** 2) / 0.5);
	expect(half).toBeGreaterThan(near);
	expect(left.map(({ score }) => score)).toEqual([
		expect.closeTo(half, 9),
		expect.closeTo(near * between, 9),
	]);
});

test('what falls below the least score is gone', () => {
	expect(softenOverlaps([at(0, 0.9)], [at(1, 0.3)], options)).toEqual([]);
	expect(softenOverlaps([at(0, 0.9)], [], options)).toEqual([]);
});
