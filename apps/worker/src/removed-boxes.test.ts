import { expect, it } from 'vitest';
import { removedBoxes } from './removed-boxes.ts';

const face = (trackId: number, x: number, y: number) => ({ trackId, box: { x, y, width: 150, height: 180 } });

it('gives the documented example: the previous box of a face that moved', () => {
	expect(removedBoxes([face(1, 300, 200)], [face(1, 305, 205)])).toEqual([
		{ x: 300, y: 200, width: 150, height: 180 },
	]);
});

it('gives the last box of a face that is gone, and nothing of one that stayed where it was', () => {
	const gone = face(2, 700, 80);
	expect(removedBoxes([face(1, 300, 200), gone], [face(1, 300.2, 199.9)])).toEqual([gone.box]);
});

it('gives the box of a face whose place another has taken', () => {
	expect(removedBoxes([face(1, 300, 200)], [face(2, 300, 200)])).toHaveLength(1);
});

it('is empty after a frame without faces', () => {
	expect(removedBoxes([], [face(1, 300, 200)])).toEqual([]);
});
