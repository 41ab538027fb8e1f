import type { FrameIndex } from './frame-index.ts';

/** One run of ffmpeg: from a point where decoding can begin, forward to the last frame wanted. */
export interface Segment {
	/** Index of the frame to go to; undefined to begin with the file. */
	readonly from: number | undefined;
	/** Indexes of the frames wanted, ascending. */
	readonly wanted: readonly number[];
}

export interface ExtractionPlan {
	readonly strategy: 'linear' | 'seek';
	readonly segments: readonly Segment[];
	/** What each strategy was expected to take, in milliseconds. */
	readonly linearMs: number;
	readonly seekMs: number;
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
 * Chooses the cheaper way to get frames out of a video: one decode from the start, or several from the key frames before
 * them, side by side.
 *
 * @param wanted - indexes, ascending and distinct.
 */
export function planExtraction(
	index: Pick<FrameIndex, 'seekable' | 'keyFrames'>,
	wanted: readonly number[],
	cost: DecodingCost,
	strategy?: 'linear' | 'seek' | undefined,
): ExtractionPlan {
	const linear: Segment[] = [{ from: undefined, wanted }];
	const linearFrames = (wanted.at(-1) ?? 0) + 1;
	const linearMs = cost.startMs + linearFrames * cost.frameMs;
	if (!index.seekable || index.keyFrames.length === 0 || wanted.length === 0) {
		return { strategy: 'linear', segments: linear, linearMs, seekMs: Number.POSITIVE_INFINITY };
	}
	// Where seeks are asked for, nothing but decoding on is a reason not to make one.
	const segments = toSegments(index.keyFrames, wanted, strategy === 'seek' ? { ...cost, startMs: 0 } : cost);
	if (segments.length < cost.processes) divideLongest(segments, index.keyFrames, cost.processes);
	const runs = segments.map((segment) => segmentMs(index.keyFrames, segment, cost));
	const seekMs = Math.max(...runs, runs.reduce((sum, ms) => sum + ms, 0) / cost.processes);
	const chosen = strategy ?? (seekMs < linearMs ? 'seek' : 'linear');
	return { strategy: chosen, segments: chosen === 'seek' ? segments : linear, linearMs, seekMs };
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
