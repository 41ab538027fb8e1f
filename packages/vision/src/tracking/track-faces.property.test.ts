import fc from 'fast-check';
import { expect, test } from 'vitest';
import { face, frame } from './observed-faces.ts';
import { trackFaces } from './track-faces.ts';

/** What damaged videos and networks on damaged pictures come to: any time, any place, any score. */
const faces = fc.array(
	fc.record({
		x: fc.double({ min: -1e6, max: 1e6, noNaN: true }),
		y: fc.double({ min: -1e6, max: 1e6, noNaN: true }),
		size: fc.double({ min: 0, max: 1e5, noNaN: true }),
		score: fc.double({ min: 0, max: 1, noNaN: true }),
		person: fc.integer({ min: 0, max: 3 }),
	}),
	{ maxLength: 4 },
);
const frames = fc.array(fc.tuple(fc.integer({ min: -1e9, max: 1e14 }), faces), { maxLength: 10 });

test('any faces at any times end as tracks and persons with finite numbers', () => {
	fc.assert(
		fc.property(frames, (shots) => {
			const film = shots.map(([time, seen], index) => frame(index, time, ...seen.map((each) => face(each))));
			const result = trackFaces(film, { strongScore: 0.6 });
			expect(result.frames.map(({ index }) => index)).toEqual(film.map(({ index }) => index));
			const times = result.persons.flatMap(({ firstSeenMs, lastSeenMs }) => [firstSeenMs, lastSeenMs]);
			expect([
				...times,
				...result.frames.flatMap((each) => each.faces.map(({ trackId }) => trackId)),
			]).toSatisfy((numbers: number[]) => numbers.every(Number.isFinite));
		}),
		{ numRuns: 500 },
	);
});
