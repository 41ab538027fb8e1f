import { describe, expect, it } from 'vitest';
import { planExtraction } from './extraction-plan.ts';
import { PictureTrait } from './mp4/coded-pictures.ts';
import { sampleIndexes } from './sample-frames.ts';

const cost = { startMs: 60, frameMs: 2, processes: 2 };

function video(frames: number, keyDistance: number) {
	const keyFrames = Array.from({ length: Math.ceil(frames / keyDistance) }, (_, i) => i * keyDistance);
	return {
		seekable: true,
		keyFrames,
		samples: undefined,
		timestamps: Float64Array.from({ length: frames }, (_, i) => i),
	};
}

describe('planExtraction', () => {
	it('seeks for a few frames of a long video', () => {
		const plan = planExtraction(video(18_000, 250), sampleIndexes(18_000, 10), cost);
		expect(plan.strategy).toBe('seek');
		expect(plan.segments).toHaveLength(10);
		expect(plan.segments[0]).toEqual({ from: undefined, wanted: [0] });
		expect(plan.segments[1]).toEqual({ from: 1800, wanted: [1800] });
		expect(plan.linearMs).toBeGreaterThan(10 * plan.seekMs);
	});

	it('decodes a short video in one go', () => {
		const plan = planExtraction(video(50, 25), sampleIndexes(50, 10), cost);
		expect(plan.strategy).toBe('linear');
		expect(plan.segments).toEqual([{ from: undefined, wanted: sampleIndexes(50, 10) }]);
	});

	it('decodes in one go what has a single key frame or cannot be sought in', () => {
		const wanted = sampleIndexes(18_000, 10);
		expect(planExtraction(video(18_000, 18_000), wanted, cost).strategy).toBe('linear');
		expect(planExtraction({ ...video(18_000, 250), seekable: false }, wanted, cost).strategy).toBe('linear');
	});

	it('takes frames of one group of pictures in one run', () => {
		const plan = planExtraction(video(18_000, 250), [5000, 5010, 5020, 9000], cost);
		expect(plan.segments.map(({ wanted }) => wanted)).toEqual([[5000, 5010, 5020], [9000]]);
	});

	it('uses each process when all frames are wanted', () => {
		const plan = planExtraction(video(1000, 100), sampleIndexes(1000, 1000), cost);
		expect(plan.strategy).toBe('seek');
		expect(plan.segments).toHaveLength(2);
	});

	it('takes an excerpt where one can be made, in as many runs as there is work for', () => {
		const frames = 18_000;
		const keySamples = Uint32Array.from({ length: frames / 250 }, (_, i) => i * 250);
		const traits = new Uint8Array(frames);
		for (const key of keySamples) traits[key] = PictureTrait.refresh;
		const { timestamps, ...index } = video(frames, 250);
		const table = { timestamps, offsets: timestamps, sizes: new Uint32Array(frames), lastDuration: 1 };
		const samples = { ...table, keySamples, traits, description: Buffer.alloc(0) };
		const excerpt = planExtraction({ ...index, timestamps, samples }, sampleIndexes(frames, 10), cost);
		expect(excerpt).toMatchObject({ strategy: 'excerpt', runs: 2, segments: [] });
		expect(excerpt.excerptMs).toBeLessThan(excerpt.seekMs);
		expect(planExtraction({ ...index, timestamps, samples }, [3], cost)).toMatchObject({ runs: 1 });
		expect(planExtraction({ ...index, timestamps, samples }, [3], cost, 'linear').strategy).toBe('linear');
	});
});
