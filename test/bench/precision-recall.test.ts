import { expect, test } from 'vitest';
import { curveChart } from './curve-chart.ts';
import { areaUnder, curveOf, recallAt } from './precision-recall.ts';

const verdicts = [
	{ score: 0.7, isTrue: true },
	{ score: 0.9, isTrue: true },
	{ score: 0.8, isTrue: false },
];

test('a curve goes from the surest detection on', () => {
	expect(curveOf(verdicts, 4)).toEqual([
		{ precision: 1, recall: 0.25 },
		{ precision: 0.5, recall: 0.25 },
		{ precision: 2 / 3, recall: 0.5 },
	]);
});

test('the area counts the best precision at each recall or a higher one', () => {
	expect(areaUnder(curveOf(verdicts, 4))).toBeCloseTo(0.25 * 1 + 0.25 * (2 / 3), 9);
	expect(areaUnder([])).toBe(0);
});

test('recall at a precision is the last that has it', () => {
	expect(recallAt(curveOf(verdicts, 4), 0.6)).toBe(0.5);
	expect(recallAt(curveOf(verdicts, 4), 0.95)).toBe(0.25);
	expect(recallAt([], 0.95)).toBe(0);
});

test('a chart has a line and a label for each model', () => {
	const points = curveOf(verdicts, 4).map(({ precision, recall }) => ({ x: recall, y: precision }));
	const svg = curveChart('A & B', { x: 'recall', y: 'precision' }, [
		{ label: 'ultraface', points },
		{ label: '<b>', points: [] },
	]);
	expect(svg).toContain('A &amp; B');
	expect(svg).toContain('>ultraface</text>');
	expect(svg).toContain('&lt;b>');
	// Recall 0.25 and precision 1: a quarter across, at the top.
	expect(svg).toContain('M176.0 36.0L');
});
