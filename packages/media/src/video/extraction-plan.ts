import { planExcerpts } from './excerpt-plan.ts';
import type { FrameIndex } from './frame-index.ts';

/** One run of ffmpeg: from a point where decoding can begin, forward to the last frame wanted. */
export interface Segment {
	/** Index of the frame to go to; undefined to begin with the file. */
	readonly from: number | undefined;
	/** Indexes of the frames wanted, ascending. */
	readonly wanted: readonly number[];
}

/** One decode from the start; several from places in the file; or of what the wanted frames need and nothing else. */
export type Strategy = 'linear' | 'seek' | 'excerpt';

export interface ExtractionPlan {
	readonly strategy: Strategy;
	/** Indexes of the frames wanted, ascending. */
	readonly wanted: readonly number[];
	/** What is decoded, for `linear` and `seek`. */
	readonly segments: readonly Segment[];
	/** Runs side by side that pay, for `excerpt`. */
	readonly runs: number;
	/** What each strategy was expected to take, in milliseconds; infinity for what is not possible. */
	readonly linearMs: number;
	readonly seekMs: number;
	readonly excerptMs: number;
}

export interface DecodingCost {
	/** Starting ffmpeg, opening the file and going to a place. */
	readonly startMs: number;
	/** Decoding one frame in one thread. */
	readonly frameMs: number;
	/** Processes that may run at once. */
	readonly processes: number;
}

/** Starting a process, reading the header, building filters: measured on small files, see docs/adr/0006. */
const START_MS = 60;
/** H.264 in one thread, 720p: see docs/adr/0006. */
const MS_PER_MEGAPIXEL = 2;

/** An estimate for pictures of a size; codecs differ by two or three, which both strategies feel alike. */
export function decodingCost(pixels: number, processes: number): DecodingCost {
	return { startMs: START_MS, frameMs: Math.max(0.05, (pixels / 1e6) * MS_PER_MEGAPIXEL), processes };
}

/**
 * Chooses the cheapest way to get frames out of a video: an excerpt where one can be made, since it decodes what the
 * others decode or less; else one decode from the start, or several from the key frames before them, side by side.
 *
 * @param wanted - indexes, ascending and distinct.
 * @param strategy - overrides the choice, where it is possible.
 */
export function planExtraction(
	index: PlannedIndex,
	wanted: readonly number[],
	cost: DecodingCost,
	strategy?: Strategy | undefined,
): ExtractionPlan {
	const linear: Segment[] = [{ from: undefined, wanted }];
	const linearMs = cost.startMs + ((wanted.at(-1) ?? 0) + 1) * cost.frameMs;
	const seek = index.seekable && wanted.length > 0 ? planSeeks(index.keyFrames, wanted, cost, strategy) : [];
	const runs = seek.map((segment) => segmentMs(index.keyFrames, segment, cost));
	const seekMs = seek.length > 0 ? sideBySideMs(runs, cost) : Number.POSITIVE_INFINITY;
	const excerpt = planRuns(index, wanted, cost);
	const plan = { wanted, linearMs, seekMs, excerptMs: excerpt.ms, runs: excerpt.runs };
	if (excerpt.runs > 0 && (strategy ?? 'excerpt') === 'excerpt') {
		return { ...plan, strategy: 'excerpt', segments: [] };
	}
	const seeks = seek.length > 0 && strategy !== 'linear' && (strategy === 'seek' || seekMs < linearMs);
	return { ...plan, strategy: seeks ? 'seek' : 'linear', segments: seeks ? seek : linear };
}

type PlannedIndex = Pick<FrameIndex, 'seekable' | 'keyFrames' | 'samples' | 'timestamps'>;

/** As many runs as there are processes, but none for less work than starting it takes. */
function planRuns(
	index: PlannedIndex,
	wanted: readonly number[],
	cost: DecodingCost,
): { readonly runs: number; readonly ms: number } {
	const workOf = (runs: number) =>
		planExcerpts(index, wanted, runs)?.map(({ samples }) => samples.length * cost.frameMs);
	const [whole] = workOf(1) ?? [];
	if (whole === undefined) return { runs: 0, ms: Number.POSITIVE_INFINITY };
	const worth = Math.max(1, Math.floor(whole / cost.startMs));
	const parts = workOf(Math.min(cost.processes, worth)) ?? [];
	return { runs: parts.length, ms: cost.startMs + Math.max(...parts) };
}

/** @returns nothing where there are no key frames. */
function planSeeks(
	keyFrames: readonly number[],
	wanted: readonly number[],
	cost: DecodingCost,
	strategy: Strategy | undefined,
): Segment[] {
	if (keyFrames.length === 0) return [];
	// Where seeks are asked for, nothing but decoding on is a reason not to make one.
	const segments = toSegments(keyFrames, wanted, strategy === 'seek' ? { ...cost, startMs: 0 } : cost);
	if (segments.length < cost.processes) divideLongest(segments, keyFrames, cost.processes);
	return segments;
}

function sideBySideMs(runs: readonly number[], { processes }: DecodingCost): number {
	return Math.max(...runs, runs.reduce((sum, ms) => sum + ms, 0) / processes);
}

function toSegments(keys: readonly number[], wanted: readonly number[], cost: DecodingCost): Segment[] {
	const segments: { from: number | undefined; wanted: number[] }[] = [];
	for (const frame of wanted) {
		const current = segments.at(-1);
		const position = current?.wanted.at(-1);
		const start = keyBefore(keys, frame);
		// Going on is as good as starting anew while it decodes no more than the start is worth.
		const goesOn =
			position !== undefined &&
			(frame - position) * cost.frameMs <= (frame - start) * cost.frameMs + cost.startMs;
		if (current && goesOn) current.wanted.push(frame);
		// Into the first group of pictures no seek leads: the file begins there.
		else segments.push({ from: start === 0 ? undefined : frame, wanted: [frame] });
	}
	return segments;
}

/** Where many frames are wanted they fall into one run; it is cut where a group of pictures ends, a run for a process. */
function divideLongest(segments: Segment[], keys: readonly number[], count: number): void {
	while (segments.length < count) {
		const longest = segments.reduce((most, one) => (span(one) > span(most) ? one : most));
		const { from, wanted } = longest;
		const middle = keyBefore(keys, ((wanted[0] ?? 0) + (wanted.at(-1) ?? 0)) / 2);
		const cut = wanted.findIndex((frame) => frame >= middle);
		if (cut <= 0) return;
		const [head, tail] = [wanted.slice(0, cut), wanted.slice(cut)];
		segments.splice(segments.indexOf(longest), 1, { from, wanted: head }, { from: tail[0], wanted: tail });
	}
}

function span({ wanted }: Segment): number {
	return (wanted.at(-1) ?? 0) - (wanted[0] ?? 0);
}

function segmentMs(keys: readonly number[], { from = 0, wanted }: Segment, cost: DecodingCost): number {
	return cost.startMs + ((wanted.at(-1) ?? from) - keyBefore(keys, from) + 1) * cost.frameMs;
}

/** The last of some ascending indexes that is not after a frame; 0 when there is none. */
function keyBefore(keys: readonly number[], frame: number): number {
	let low = 0;
	let high = keys.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if ((keys[middle] ?? 0) <= frame) low = middle + 1;
		else high = middle;
	}
	return keys[low - 1] ?? 0;
}
