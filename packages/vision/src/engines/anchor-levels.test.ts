import { describe, expect, test } from 'vitest';
import { hasOutputs, toAnchorLevels } from './anchor-levels.ts';

const COUNTS = { scores: 3, boxes: 3, points: 3 };
type Shape = readonly (number | undefined)[];

function network(input: Shape, shapes: readonly Shape[]) {
	const outputs = shapes.map((shape, index) => ({ name: String(index), shape }));
	return { inputs: [{ name: 'input', shape: input }], outputs };
}

function output(...shape: number[]) {
	return { shape, data: new Float32Array(shape.reduce((product, extent) => product * extent, 1)) };
}

describe('hasOutputs', () => {
	const rows = [12800, 3200, 800];
	const released = [1, 4, 10].flatMap((extent) => rows.map((count) => [count, extent]));

	test('knows networks with and without a batch axis, with and without a size', () => {
		expect(hasOutputs(network([1, 3, undefined, undefined], released), COUNTS)).toBe(true);
		const batched = released.map((shape) => [1, ...shape]);
		expect(hasOutputs(network([1, 3, 640, 640], batched), COUNTS)).toBe(true);
		const open = released.map(([, extent]) => [undefined, undefined, extent]);
		expect(hasOutputs(network([undefined, 3, undefined, undefined], open), COUNTS)).toBe(true);
		expect(
			hasOutputs(
				network(
					[1, 3, 640, 640],
					released.map(() => []),
				),
				COUNTS,
			),
		).toBe(true);
	});

	test('refuses other numbers of outputs, other shapes, other inputs', () => {
		expect(hasOutputs(network([1, 3, 640, 640], released.slice(0, 6)), COUNTS)).toBe(false);
		const landmarks = released.map(([count]) => [count, 136]);
		expect(hasOutputs(network([1, 3, 640, 640], landmarks), COUNTS)).toBe(false);
		expect(hasOutputs(network([1, 1, 640, 640], released), COUNTS)).toBe(false);
		expect(hasOutputs(network([8, 3, 640, 640], released), COUNTS)).toBe(false);
		expect(hasOutputs(network([1, 512], released), COUNTS)).toBe(false);
	});
});

describe('toAnchorLevels', () => {
	const input = { width: 64, height: 32 };

	test('sorts by what the outputs hold and by stride, whatever their order', () => {
		const outputs = [
			output(4, 4),
			output(1, 64, 1),
			output(16, 1),
			output(4, 1),
			output(16, 4),
			output(64, 4),
		];
		const levels = toAnchorLevels(outputs, input);
		expect(levels.map(({ stride, columns, anchors }) => ({ stride, columns, anchors }))).toEqual([
			{ stride: 8, columns: 8, anchors: 2 },
			{ stride: 16, columns: 4, anchors: 2 },
			{ stride: 32, columns: 2, anchors: 2 },
		]);
		expect(levels.map(({ boxes }) => boxes.length)).toEqual([256, 64, 16]);
		expect(levels.every(({ points, scores }) => points === undefined && scores.length === 1)).toBe(true);
	});

	test('gives a level as many scores as the network has', () => {
		const pair = (cells: number) => [output(cells, 1), output(cells, 1), output(cells, 4), output(cells, 10)];
		const levels = toAnchorLevels([2, 8, 32].flatMap(pair), input);
		expect(levels.map(({ scores }) => scores.map(({ length }) => length))).toEqual([
			[32, 32],
			[8, 8],
			[2, 2],
		]);
	});

	test('says which output does not fit its grid', () => {
		expect(() => toAnchorLevels([output(33, 1), output(33, 4)], input)).toThrow(
			/Expected 32 cells of stride 8 on 64 x 32 pixels.*\[33, 4\]/,
		);
		expect(() => toAnchorLevels([output(32, 1), output(64, 4)], input)).toThrow(/\[32, 1\]/);
	});
});
