import type { FrameIndex } from './frame-index.ts';
import { PictureTrait } from './mp4/coded-pictures.ts';
import type { MovieSamples } from './mp4/read-movie.ts';

/** What one run of ffmpeg is given instead of the file: the samples that some frames need, and no others. */
export interface Excerpt {
	/** Numbers of the samples, in decoding order. */
	readonly samples: readonly number[];
	/** The frames wanted, by the number of their sample. */
	readonly frames: ReadonlyMap<number, number>;
}

/** The samples from a key frame to the last one wanted before the next key frame. */
interface Group {
	readonly key: number;
	last: number;
	readonly wanted: Set<number>;
}

/**
 * Shares the frames wanted out among some runs, each with the samples that it has to decode: from each key frame to the
 * last frame wanted of its group, without the frames on the way that nobody refers to.
 *
 * Groups are dealt out in turn, so that frames come in order and all runs end at about the same time.
 *
 * @param wanted - indexes of frames, ascending and distinct.
 * @returns at most `runs`; undefined where it is not known what each sample is, or a group does not begin anew.
 */
export function planExcerpts(
	{ samples, timestamps }: Pick<FrameIndex, 'samples' | 'timestamps'>,
	wanted: readonly number[],
	runs: number,
): Excerpt[] | undefined {
	if (samples === undefined || wanted.length === 0) return undefined;
	const frames = framesBySample(samples, timestamps, wanted);
	const groups = groupByKey(
		samples,
		[...frames.keys()].sort((a, b) => a - b),
	);
	if (groups === undefined) return undefined;
	const excerpts = Array.from({ length: Math.min(runs, groups.length) }, () => ({
		samples: [] as number[],
		frames: new Map<number, number>(),
	}));
	for (const group of groups) {
		const needed = samplesOfGroup(samples, group);
		if (needed === undefined) return undefined;
		const [first, ...others] = excerpts;
		if (first === undefined) return undefined;
		const shortest = others.reduce((a, b) => (b.samples.length < a.samples.length ? b : a), first);
		for (const sample of needed) shortest.samples.push(sample);
		for (const sample of group.wanted) shortest.frames.set(sample, frames.get(sample) ?? Number.NaN);
	}
	return excerpts;
}

function framesBySample(
	samples: MovieSamples,
	timestamps: Float64Array,
	wanted: readonly number[],
): Map<number, number> {
	const frameAt = new Map(wanted.map((frame) => [timestamps[frame], frame]));
	const frames = new Map<number, number>();
	for (const [sample, timestamp] of samples.timestamps.entries()) {
		const frame = frameAt.get(timestamp);
		if (frame !== undefined) frames.set(sample, frame);
	}
	return frames;
}

/** @param wanted - numbers of samples, ascending. */
function groupByKey({ keySamples, traits }: MovieSamples, wanted: readonly number[]): Group[] | undefined {
	const groups: Group[] = [];
	let next = 0;
	for (const sample of wanted) {
		while (next < keySamples.length && (keySamples[next] ?? 0) <= sample) next += 1;
		const key = keySamples[next - 1];
		// Pictures that follow another kind of key frame may refer to what was before it.
		if (key === undefined || !has(traits, key, PictureTrait.refresh)) return undefined;
		const current = groups.at(-1);
		if (current?.key === key) {
			current.wanted.add(sample);
			current.last = sample;
		} else {
			groups.push({ key, last: sample, wanted: new Set([sample]) });
		}
	}
	return groups;
}

function samplesOfGroup({ traits }: MovieSamples, { key, last, wanted }: Group): number[] | undefined {
	const needed: number[] = [];
	for (let sample = key; sample <= last; sample += 1) {
		// Parameter sets that change on the way hold for what comes after, and an excerpt has another "after".
		if (sample !== key && has(traits, sample, PictureTrait.parameters)) return undefined;
		if (wanted.has(sample) || !has(traits, sample, PictureTrait.disposable)) needed.push(sample);
	}
	return needed;
}

function has(traits: Uint8Array, sample: number, trait: number): boolean {
	return ((traits[sample] ?? 0) & trait) !== 0;
}
