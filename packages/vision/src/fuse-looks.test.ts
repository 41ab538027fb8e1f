import type { BoundingBox } from '@facet/contracts';
import { describe, expect, test } from 'vitest';
import { fuseLooks, type Look } from './fuse-looks.ts';

const box = (x: number, width = 100): BoundingBox => ({ x, y: 0, width, height: 100 });

function look(...candidates: readonly (readonly [BoundingBox, number])[]): Look {
	return { candidates: candidates.map(([each, score]) => ({ box: each, score })), sees: () => true };
}

describe('one look', () => {
	test('a face is answered once, best first, with the mean of the boxes that nearly coincide', () => {
		const faces = fuseLooks([look([box(500), 0.4], [box(0), 0.6], [box(10), 0.3], [box(30), 0.5])]);
		expect(faces.map(({ score }) => score)).toEqual([0.6, 0.4]);
		// 0 and 10 by their scores; 30 is the same face, but not the same box.
		expect(faces[0]?.box.x).toBeCloseTo(10 / 3, 9);
		expect(faces[1]?.box).toEqual(box(500));
	});

	test('the box of a face that the network is sure of stays', () => {
		const [face] = fuseLooks([look([box(0), 0.9], [box(10), 0.8])]);
		expect(face).toMatchObject({ box: box(0), score: 0.9, look: 0 });
	});

	test('with soft-NMS what overlaps a face stays at a lower score and in its own box, and the face is the same', () => {
		const one = look([box(500), 0.4], [box(0), 0.6], [box(10), 0.3], [box(30), 0.5]);
		const plain = fuseLooks([one]);
		const soft = fuseLooks([one], { softDownTo: 0.1 });
		expect(soft.slice(0, 2)).toEqual(plain);
		expect(soft.slice(2)).toEqual([
			{ box: box(30), score: expect.closeTo(0.5 * Math.exp(-((70 / 130) ** 2) / 0.5), 9), look: 0 },
		]);
	});
});

describe('two looks', () => {
	test('a score is the mean of what they say, and little where one does not see it', () => {
		const faces = fuseLooks([look([box(0), 0.6], [box(500), 0.5]), look([box(4), 0.8])]);
		expect(faces.map(({ score }) => score)).toEqual([expect.closeTo(0.7, 9), expect.closeTo(0.26, 9)]);
		expect(faces[0]?.look).toBe(1);
		expect(faces[0]?.box.x).toBeCloseTo((4 * 0.8) / 1.4, 9);
	});

	test('a look that cannot see a face has no say', () => {
		const blind: Look = { candidates: [], sees: () => false };
		expect(fuseLooks([look([box(0), 0.6]), blind])[0]?.score).toBe(0.6);
	});
});

test('nothing comes of nothing', () => {
	expect(fuseLooks([look()])).toEqual([]);
});
