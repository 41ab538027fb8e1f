import { describe, expect, test } from 'vitest';
import { type FusionOptions, fuseViews, type Sighting } from './non-maximum-suppression.ts';

const options: FusionOptions = {
	iouThreshold: 0.4,
	containment: 0.65,
	agreement: 0.5,
	unseenScore: 0.2,
	viewCount: 1,
	canSee: () => true,
};

function sighting(x: number, y: number, side: number, score: number, view = 0): Sighting {
	return { box: { x, y, width: side, height: side }, score, view };
}

describe('fuseViews', () => {
	test('keeps the best of boxes that overlap and both of boxes that do not', () => {
		const faces = fuseViews(
			[sighting(8, 0, 20, 0.7), sighting(0, 0, 20, 0.9), sighting(100, 0, 20, 0.8)],
			options,
		);
		expect(faces.map(({ box, score }) => [box.x, score])).toEqual([
			[0, 0.9],
			[100, 0.8],
		]);
	});

	test('boxes that nearly coincide are averaged by their scores', () => {
		const [face] = fuseViews([sighting(0, 0, 20, 0.7), sighting(3, 0, 20, 0.5)], options);
		expect(face).toMatchObject({ score: 0.7, box: { x: 1.25, y: 0, width: 20, height: 20 } });
	});

	test('a box does not depend on which view is the surest by a hair', () => {
		const boxOf = (first: number, second: number) =>
			fuseViews([sighting(0, 0, 20, first), sighting(3, 0, 20, second, 1)], { ...options, viewCount: 2 })[0]
				?.box.x;
		expect(boxOf(0.9991, 0.999)).toBeCloseTo(1.5, 3);
		expect(boxOf(0.999, 0.9991)).toBeCloseTo(1.5, 3);
	});

	test('neighbours that overlap a little are two faces', () => {
		expect(fuseViews([sighting(0, 0, 20, 0.9), sighting(14, 0, 20, 0.8)], options)).toHaveLength(2);
	});

	test('an eye inside of a face is a part of it, however small their intersection over union', () => {
		expect(fuseViews([sighting(0, 0, 100, 0.9), sighting(20, 20, 15, 0.8)], options)).toHaveLength(1);
	});

	test('a face that every view saw keeps its score', () => {
		const seenTwice = [sighting(0, 0, 20, 0.9, 0), sighting(1, 0, 20, 0.9, 1)];
		expect(fuseViews(seenTwice, { ...options, viewCount: 2 })[0]?.score).toBeCloseTo(0.9);
	});

	test('a view that should have seen the face and did not lowers its score', () => {
		const [face] = fuseViews([sighting(0, 0, 20, 0.9)], { ...options, viewCount: 2 });
		// Half of 0.9, half of the mean of 0.9 and 0.2.
		expect(face?.score).toBeCloseTo(0.725);
	});

	test('a view that could not see the face has no say', () => {
		const [face] = fuseViews([sighting(0, 0, 20, 0.9)], {
			...options,
			viewCount: 2,
			canSee: (view) => view === 0,
		});
		expect(face?.score).toBeCloseTo(0.9);
	});

	test('only the best sighting of a view counts', () => {
		const seenTwice = [sighting(0, 0, 20, 0.9), sighting(0, 0, 20, 0.8), sighting(0, 0, 20, 0.5, 1)];
		expect(fuseViews(seenTwice, { ...options, viewCount: 2 })[0]?.score).toBeCloseTo(0.8);
	});

	test('nothing in, nothing out', () => {
		expect(fuseViews([], options)).toEqual([]);
	});
});
