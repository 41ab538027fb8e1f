import { describe, expect, test } from 'vitest';
import { assign } from './assignment.ts';

/** Numbers that look random and are always the same: a linear congruential generator, 0..1. */
function* pseudoRandom(seed: number): Generator<number, never> {
	for (let state = seed; ; ) {
		state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
		yield state / 2_147_483_648;
	}
}

/** The best total by trying everything. */
function bestTotal(scores: Float64Array, rows: number, columns: number, row = 0, taken = 0): number {
	if (row === rows) return 0;
	let best = bestTotal(scores, rows, columns, row + 1, taken);
	for (let column = 0; column < columns; column++) {
		const score = scores[row * columns + column] ?? 0;
		if (score <= 0 || (taken & (1 << column)) !== 0) continue;
		best = Math.max(best, score + bestTotal(scores, rows, columns, row + 1, taken | (1 << column)));
	}
	return best;
}

describe('assign', () => {
	test.each([
		[1, 1],
		[3, 3],
		[2, 6],
		[6, 2],
		[5, 4],
		[6, 6],
	])('finds the best total of %i rows and %i columns', (rows, columns) => {
		const random = pseudoRandom(rows * 10 + columns);
		for (let round = 0; round < 50; round++) {
			const scores = Float64Array.from({ length: rows * columns }, () => random.next().value * 3 - 1);
			const pairings = assign(scores, rows, columns);
			expect(new Set(pairings.map(({ row }) => row)).size).toBe(pairings.length);
			expect(new Set(pairings.map(({ column }) => column)).size).toBe(pairings.length);
			const values = pairings.map(({ row, column }) => scores[row * columns + column] ?? 0);
			for (const value of values) expect(value).toBeGreaterThan(0);
			const total = values.reduce((sum, value) => sum + value, 0);
			expect(total).toBeCloseTo(bestTotal(scores, rows, columns), 9);
		}
	});

	test('makes no pairs where there is nothing to gain', () => {
		expect(assign(new Float64Array([-1, 0, -2, -3]), 2, 2)).toEqual([]);
		expect(assign(new Float64Array(0), 0, 4)).toEqual([]);
		expect(assign(new Float64Array(0), 4, 0)).toEqual([]);
	});

	test.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses a score of %d', (score) => {
		expect(() => assign(new Float64Array([1, score, 0, 1]), 2, 2)).toThrow(RangeError);
	});

	test('a score without bound below is as good as none', () => {
		const scores = new Float64Array([Number.NEGATIVE_INFINITY, 1, 1, 0]);
		expect(assign(scores, 2, 2)).toEqual([
			{ row: 0, column: 1 },
			{ row: 1, column: 0 },
		]);
	});

	test('refuses a matrix of another size', () => {
		expect(() => assign(new Float64Array(5), 2, 3)).toThrow('Expected 2 x 3 scores but received 5');
	});
});
