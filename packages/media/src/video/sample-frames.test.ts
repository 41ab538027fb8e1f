import { describe, expect, it } from 'vitest';
import { sampleIndexes } from './sample-frames.ts';

describe('sampleIndexes', () => {
	it.each([
		[100, 5, [0, 20, 40, 60, 80]],
		[10, 3, [0, 3, 6]],
		[7, 4, [0, 1, 3, 5]],
		[3, 5, [0, 1, 2]],
		[5, 5, [0, 1, 2, 3, 4]],
		[1, 100, [0]],
		[0, 5, []],
	])('of %i frames, %i', (frames, wanted, indexes) => {
		expect(sampleIndexes(frames, wanted)).toEqual(indexes);
	});

	it('never gives a frame twice', () => {
		for (let frames = 1; frames < 300; frames += 7) {
			for (let wanted = 1; wanted <= 100; wanted += 1) {
				const indexes = sampleIndexes(frames, wanted);
				expect(new Set(indexes).size).toBe(Math.min(frames, wanted));
			}
		}
	});
});
