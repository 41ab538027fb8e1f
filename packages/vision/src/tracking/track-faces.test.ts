import { describe, expect, test } from 'vitest';
import type { ObservedFrame, TrackingResult } from './observation.ts';
import { face, frame, looksLike } from './observed-faces.ts';
import { trackFaces } from './track-faces.ts';

const options = { strongScore: 0.6 };

/** Track ids of each frame, the faces from left to right. */
function idsOf({ frames }: TrackingResult): number[][] {
	return frames.map(({ faces }) => faces.toSorted((a, b) => a.box.x - b.box.x).map(({ trackId }) => trackId));
}

/** `count` frames, `stepMs` apart. */
function film(count: number, stepMs: number, shoot: (k: number) => Parameters<typeof frame>[2][]) {
	return Array.from({ length: count }, (_, k) => frame(k * 10, k * stepMs, ...shoot(k)));
}

/** Two people who walk past each other and cannot be told apart by a detector; they meet between two frames. */
const crossing = film(11, 200, (k) => [
	face({ x: 40 + 45 * k, person: 1 }),
	face({ x: 500 - 45 * k, person: 2 }),
]);

/** Person 1, then 2 and 3, then 1 elsewhere, then 4 where 1 was. */
const cuts: ObservedFrame[] = [
	frame(0, 0, face({ x: 200, person: 1 })),
	frame(1, 2000, face({ x: 200, person: 2 }), face({ x: 400, person: 3 })),
	frame(2, 4000, face({ x: 420, person: 1 })),
	frame(3, 6000, face({ x: 200, person: 4 })),
	frame(4, 8000, face({ x: 100, person: 3 })),
];

describe('tracks', () => {
	test('faces that cross keep their identities', () => {
		const { tracks, persons, frames } = trackFaces(crossing, options);
		expect(tracks.map(({ frames }) => frames.length)).toEqual([11, 11]);
		expect(persons).toHaveLength(2);
		expect(frames[0]?.faces.find(({ box }) => box.x === 40)?.trackId).toBe(
			frames[10]?.faces.find(({ box }) => box.x === 490)?.trackId,
		);
	});

	test('motion carries a face over a moment in which it looks like nobody', () => {
		const frames = film(8, 100, (k) => [
			face({
				x: 100 + 10 * k,
				person: 1,
				...(k === 5 ? { embedding: looksLike(1, 0.1), clarity: 1.5 } : {}),
			}),
			face({ x: 400, person: 2 }),
		]);
		expect(trackFaces(frames, options).tracks.map(({ frames }) => frames.length)).toEqual([8, 8]);
	});

	test('timestamps that go back, as those of damaged videos do, cost no identity', () => {
		const times = [0, 1040, 360, 560, 720, 720, 400];
		const frames = times.map((time, k) =>
			frame(k, time, face({ x: 100 + 5 * k, person: 1 }), face({ x: 400, person: 2 })),
		);
		expect(trackFaces(frames, options).tracks.map(({ frames }) => frames.length)).toEqual([7, 7]);
	});

	test('after a cut, another face in the same place is another track', () => {
		const frames = film(10, 40, (k) => [face({ x: 200, person: k < 5 ? 1 : 2 })]);
		expect(idsOf(trackFaces(frames, options)).flat()).toEqual([1, 1, 1, 1, 1, 2, 2, 2, 2, 2]);
	});

	test('people have their identities back after cuts', () => {
		const result = trackFaces(cuts, options);
		expect(idsOf(result)).toEqual([[1], [2, 3], [1], [4], [3]]);
		expect(result.persons.map(({ frames }) => frames)).toEqual([[0, 2], [1], [1, 4], [3]]);
	});

	test('a face that left and came back has its identity again, however long it was away', () => {
		const frames = [
			frame(0, 0, face({ x: 300, person: 1 })),
			frame(1, 40, face({ x: 305, person: 1 })),
			frame(2, 10_000),
			frame(3, 20_000, face({ x: 20, size: 120, person: 1, embedding: looksLike(1, 0.5) })),
		];
		const { tracks, persons } = trackFaces(frames, options);
		expect(tracks).toMatchObject([
			{
				id: 1,
				frames: [0, 1, 3],
				firstSeen: { frame: 0, timestampMs: 0 },
				lastSeen: { frame: 3, timestampMs: 20_000 },
				best: { frame: 3 },
			},
		]);
		expect(persons).toMatchObject([{ id: 1, trackIds: [1], firstSeenMs: 0, lastSeenMs: 20_000 }]);
	});

	test('weak faces go on with a track, but start none', () => {
		const frames = film(6, 100, (k) => [
			face({ x: 100 + 5 * k, person: 1, score: k === 3 ? 0.4 : 0.9 }),
			face({ x: 400, person: 2, score: 0.4 }),
		]);
		expect(idsOf(trackFaces(frames, options))).toEqual([[1], [1], [1], [1], [1], [1]]);
	});

	test('a weak face never takes a track from a strong one', () => {
		const frames = film(4, 100, () => [
			face({ x: 200, person: 1 }),
			face({ x: 204, person: 1, score: 0.5, size: 82 }),
		]);
		const { frames: tracked } = trackFaces(frames, options);
		expect(tracked.map(({ faces }) => faces.map(({ score }) => score))).toEqual([
			[0.95],
			[0.95],
			[0.95],
			[0.95],
		]);
	});

	test('of views of a face, the largest, sharpest and most frontal one is the best', () => {
		const frames = [
			frame(0, 0, face({ x: 200, person: 1, frontalness: 0.1 })),
			frame(1, 40, face({ x: 200, person: 1, sharpness: 0.001 })),
			frame(2, 80, face({ x: 200, person: 1 })),
			frame(3, 120, face({ x: 200, person: 1, size: 70 })),
		];
		expect(trackFaces(frames, options).persons[0]?.best.frame).toBe(2);
	});
});

describe('persons', () => {
	const doubtful = { score: 0.65, clarity: 1.5 };

	test('a face in one of a few frames is a person', () => {
		const frames = film(5, 4000, (k) => (k === 2 ? [face({ x: 200, person: 1 })] : []));
		expect(trackFaces(frames, options).persons).toHaveLength(1);
	});

	test('a doubtful face that the frames beside it do not have is dropped', () => {
		const frames = film(9, 100, (k) => [
			face({ x: 100, person: 1 }),
			...(k === 4 ? [face({ x: 350, person: 2, ...doubtful })] : []),
		]);
		const { persons, tracks, frames: tracked } = trackFaces(frames, options);
		expect(persons).toHaveLength(1);
		expect(tracks).toHaveLength(1);
		expect(tracked[4]?.faces).toHaveLength(1);
	});

	test('a doubtful face stays where frames are far apart, but is no person', () => {
		const frames = film(5, 4000, (k) => (k === 2 ? [face({ x: 200, person: 1, ...doubtful })] : []));
		const { persons, tracks } = trackFaces(frames, options);
		expect(tracks).toHaveLength(1);
		expect(persons).toHaveLength(0);
	});

	test('a doubtful face that is seen all the time is a person', () => {
		const frames = film(5, 100, () => [face({ x: 200, person: 1, ...doubtful })]);
		expect(trackFaces(frames, options).persons).toHaveLength(1);
	});

	test('people in one frame are never one, however alike', () => {
		const frames = film(3, 100, () => [face({ x: 100, person: 1 }), face({ x: 400, person: 1 })]);
		expect(trackFaces(frames, options).persons).toHaveLength(2);
	});
});

describe('determinism', () => {
	test.each([
		['crossing', crossing],
		['cuts', cuts],
	])('%s: the order of frames and faces changes nothing', (_name, frames) => {
		const expected = trackFaces(frames, options);
		expect(trackFaces(frames, options)).toEqual(expected);
		const shuffled = frames
			.map((each) => ({ ...each, observations: each.observations.toReversed() }))
			.toReversed();
		expect(trackFaces(shuffled, options)).toEqual(expected);
	});

	test('an empty video', () => {
		expect(trackFaces([], options)).toEqual({ frames: [], tracks: [], persons: [], embeddings: new Map() });
	});
});

test('embeddings are in their own field only', () => {
	const { embeddings, ...others } = trackFaces(crossing, options);
	expect([...embeddings.keys()]).toEqual([1, 2]);
	expect(JSON.stringify(others)).not.toMatch(/embedding|clarity/);
});
