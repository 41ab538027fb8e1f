import { describe, expect, it } from 'vitest';
import { selectExpression, toRuns } from './select-expression.ts';

describe('selectExpression', () => {
	it('joins values and ranges into a balanced sum', () => {
		expect(selectExpression('pts', [[5, 5]])).toBe('eq(pts,5)');
		expect(
			selectExpression('n', [
				[0, 2],
				[7, 7],
				[9, 9],
			]),
		).toBe('(between(n,0,2)+(eq(n,7)+eq(n,9)))');
		expect(selectExpression('n', [])).toBe('0');
	});

	it('sees neighbours as one run', () => {
		expect(toRuns([0, 1, 2, 7, 9])).toEqual([
			[0, 2],
			[7, 7],
			[9, 9],
		]);
	});
});
