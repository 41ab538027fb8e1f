import { describe, expect, test } from 'vitest';
import { matFile } from '../support/mat-writer.ts';
import { readMatFile } from './mat-file.ts';

describe.each([false, true])('compressed: %s', (compressed) => {
	test('reads numbers, text and cells of cells', () => {
		const file = matFile(
			{
				boxes: [
					[1, 2, 3, 4],
					[5, 6, 7, 8.5],
				],
				name: '0--Parade',
				list: { cells: [{ cells: ['a', [[7]]] }, { cells: [] }, []] },
			},
			compressed,
		);
		const variables = readMatFile(file);
		expect(variables.get('boxes')).toEqual({
			kind: 'numbers',
			dimensions: [2, 4],
			values: [1, 5, 2, 6, 3, 7, 4, 8.5],
		});
		expect(variables.get('name')).toEqual({ kind: 'text', text: '0--Parade' });
		expect(variables.get('list')).toEqual({
			kind: 'cells',
			cells: [
				{
					kind: 'cells',
					cells: [
						{ kind: 'text', text: 'a' },
						{ kind: 'numbers', dimensions: [1, 1], values: [7] },
					],
				},
				{ kind: 'cells', cells: [] },
				{ kind: 'numbers', dimensions: [0, 0], values: [] },
			],
		});
	});
});

test('a file of another kind is refused, and so is one that ends early', () => {
	expect(() => readMatFile(Buffer.from('not a MAT-file'))).toThrow('Expected a little-endian MAT-file');
	const file = matFile({ boxes: [[1, 2, 3, 4.5]] }, false);
	expect(() => readMatFile(file.subarray(0, file.length - 8))).toThrow(/but it ends/);
});
