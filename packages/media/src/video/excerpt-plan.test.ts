import { describe, expect, it } from 'vitest';
import { planExcerpts } from './excerpt-plan.ts';
import { PictureTrait } from './mp4/coded-pictures.ts';

const { refresh, disposable, parameters } = PictureTrait;

/** A group of five, in decoding order: a key frame, one that is shown last, and three between that nobody refers to. */
const GROUP = { traits: [refresh, 0, disposable, disposable, disposable], shown: [0, 4, 1, 2, 3] };

function video(groups: number, changes: Readonly<Record<number, number>> = {}) {
	const numbers = Array.from({ length: groups }, (_, group) => group * 5);
	const traits = Uint8Array.from(numbers.flatMap(() => GROUP.traits));
	for (const [sample, trait] of Object.entries(changes)) traits[Number(sample)] = trait;
	const inFile = Float64Array.from(numbers.flatMap((start) => GROUP.shown.map((frame) => start + frame)));
	return {
		timestamps: inFile.slice().sort(),
		samples: {
			traits,
			timestamps: inFile,
			keySamples: Uint32Array.from(numbers),
			offsets: new Float64Array(groups * 5),
			sizes: new Uint32Array(groups * 5),
			lastDuration: 1,
			description: Buffer.alloc(0),
		},
	};
}

describe('planExcerpts', () => {
	it('takes what a frame needs: from its key frame on, without what nobody refers to', () => {
		expect(planExcerpts(video(1), [0], 1)?.[0]?.samples).toEqual([0]);
		expect(planExcerpts(video(1), [4], 1)?.[0]?.samples).toEqual([0, 1]);
		expect(planExcerpts(video(1), [3], 1)?.[0]?.samples).toEqual([0, 1, 4]);
		expect(planExcerpts(video(1), [1, 3], 1)?.[0]).toEqual({
			samples: [0, 1, 2, 4],
			frames: new Map([
				[2, 1],
				[4, 3],
			]),
		});
	});

	it('deals groups out in turn, each whole', () => {
		const excerpts = planExcerpts(video(4), [0, 5, 6, 10, 15], 2);
		expect(excerpts?.map(({ samples }) => samples)).toEqual([
			[0, 10, 15],
			[5, 6, 7],
		]);
		expect(planExcerpts(video(1), [0, 1, 2], 2)).toHaveLength(1);
	});

	it('refuses where decoding does not begin anew, where parameters change, and where nothing is known', () => {
		expect(planExcerpts(video(2, { 5: 0 }), [6], 1)).toBeUndefined();
		expect(planExcerpts(video(2, { 5: 0 }), [1], 1)).toHaveLength(1);
		expect(planExcerpts(video(1, { 1: parameters }), [4], 1)).toBeUndefined();
		expect(planExcerpts(video(1, { 0: refresh | parameters }), [4], 1)).toHaveLength(1);
		expect(planExcerpts({ ...video(1), samples: undefined }, [0], 1)).toBeUndefined();
		expect(planExcerpts(video(1), [], 1)).toBeUndefined();
	});
});
