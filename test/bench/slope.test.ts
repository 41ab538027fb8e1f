import { expect, it } from 'vitest';
import { slopeOf } from './slope.ts';

it('is that of the line, outliers or not', () => {
	const line = Array.from({ length: 20 }, (_, x) => ({ x, y: 5 + 2 * x }));
	expect(slopeOf(line)).toBe(2);
	expect(slopeOf(line.map((point) => (point.x === 7 ? { x: 7, y: 500 } : point)))).toBe(2);
	expect(slopeOf([{ x: 1, y: 1 }])).toBe(0);
});
