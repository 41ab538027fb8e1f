import { describe, expect, test } from 'vitest';
import { scoreTracking } from './tracking-scoring.ts';

/** A face 10 pixels wide. */
const found = (id: number, x: number) => ({ id, box: { x, y: 0, width: 10, height: 10 } });
const known = (id: number, x: number, ignored = false) => ({ ...found(id, x), ignored });

describe('scoreTracking', () => {
	test('all right is 1, whatever the tracks are called', () => {
		const frames = [0, 1, 2].map((k) => ({
			truth: [known(1, k), known(2, 100 + k)],
			found: [found(7, k), found(5, 101 + k)],
		}));
		expect(scoreTracking(frames)).toEqual({ idf1: 1, switches: 0, precision: 1, recall: 1, persons: 2 });
	});

	test('a track that changes hands counts once as a switch, and its shorter part as wrong', () => {
		const frames = [1, 1, 1, 2].map((id) => ({ truth: [known(1, 0)], found: [found(id, 0)] }));
		const { idf1, switches, recall } = scoreTracking(frames);
		// Three right identities, one wrong, one missed.
		expect(idf1).toBeCloseTo((2 * 3) / (4 + 4), 9);
		expect(switches).toBe(1);
		expect(recall).toBe(1);
	});

	test('each person gets one track, the best in all', () => {
		// Person 1 has track 1 three times and track 2 twice, person 2 has track 1 twice: 2 + 2 beats 3 + 0.
		const frames = [
			...[1, 1, 1, 2, 2].map((id) => ({ truth: [known(1, 0)], found: [found(id, 0)] })),
			...[1, 1].map((id) => ({ truth: [known(2, 50)], found: [found(id, 50)] })),
		];
		expect(scoreTracking(frames).idf1).toBeCloseTo((2 * 4) / 14, 9);
	});

	test('misses and false alarms', () => {
		const frames = [
			{ truth: [known(1, 0), known(2, 50)], found: [found(1, 0), found(2, 56), found(3, 200)] },
		];
		const { idf1, precision, recall } = scoreTracking(frames);
		expect(idf1).toBeCloseTo(2 / 5, 9);
		expect(precision).toBeCloseTo(1 / 3, 9);
		expect(recall).toBeCloseTo(1 / 2, 9);
	});

	test('ignored faces are neither wanted nor wrong', () => {
		const frames = [{ truth: [known(1, 0), known(2, 50, true)], found: [found(1, 0), found(2, 50)] }];
		expect(scoreTracking(frames)).toMatchObject({ idf1: 1, precision: 1, recall: 1, persons: 1 });
	});

	test('nothing to find and nothing found', () => {
		expect(scoreTracking([{ truth: [], found: [] }])).toMatchObject({ idf1: 1, switches: 0, persons: 0 });
		expect(scoreTracking([{ truth: [], found: [found(1, 0)] }]).idf1).toBe(0);
	});
});
