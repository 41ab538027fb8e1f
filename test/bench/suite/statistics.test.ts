import { expect, test } from 'vitest';
import { median, percentile, rounded } from './statistics.ts';

test('the median is the middle value, in whatever order they come', () => {
	expect(median([9, 1, 5])).toBe(5);
	expect(median([4, 1, 3, 2])).toBe(2);
	expect(median([])).toBeNaN();
});

test('a percentile is a value that was measured', () => {
	const values = Array.from({ length: 200 }, (_, index) => 200 - index);
	expect(percentile(values, 50)).toBe(100);
	expect(percentile(values, 99)).toBe(198);
	expect(percentile(values, 100)).toBe(200);
	expect(percentile([7], 1)).toBe(7);
});

test('figures are rounded to decimals', () => {
	expect(rounded(1.256, 2)).toBe(1.26);
	expect(rounded(40.6)).toBe(41);
});
