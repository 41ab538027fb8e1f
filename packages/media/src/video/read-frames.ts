import { AppError, type Frame } from '@facet/contracts';
import { type DecodeContext, decodeSegment } from './decode-segment.ts';
import type { ExtractionPlan, Segment } from './extraction-plan.ts';
import { readExcerpts } from './read-excerpts.ts';

/** Frames of a segment that are kept until their turn, in bytes; a single frame may be more. */
const MAX_SEGMENT_BYTES = 64 * 1024 * 1024;

interface CollectedSegment {
	readonly frames: readonly Frame[];
	/** Lines in which ffmpeg spoke of damage. */
	readonly complaints: number;
}

const NOTHING: CollectedSegment = { frames: [], complaints: 0 };

/**
 * Decodes the frames of a plan, in order. A frame that cannot be decoded is not given out.
 *
 * @throws AppError `internal`; the signal's reason when it is aborted.
 */
export async function* readFrames(context: DecodeContext, plan: ExtractionPlan): AsyncGenerator<Frame> {
	switch (plan.strategy) {
		case 'linear':
			for (const segment of plan.segments) yield* decodeSegment(context, segment);
			return;
		case 'seek':
			yield* readSideBySide(context, plan.segments);
			return;
		case 'excerpt':
			yield* readExcerpts(context, plan);
	}
}

/**
 * As many segments at once as processes may run. The first that misses a frame or meets damage, which a decoder patches up
 * with what it saw before, turns the rest into a linear decode.
 */
async function* readSideBySide(context: DecodeContext, plan: readonly Segment[]): AsyncGenerator<Frame> {
	const stop = new AbortController();
	const signal = AbortSignal.any([context.signal, stop.signal]);
	const segments = plan.flatMap((segment) => split(segment, context.size));
	const running: Promise<CollectedSegment>[] = [];
	const startUpTo = (count: number) => {
		for (const segment of segments.slice(running.length, count)) {
			const frames = collect({ ...context, signal }, segment);
			// It is awaited later, or never when the reader stops before.
			frames.catch(() => {});
			running.push(frames);
		}
	};
	try {
		for (const [position, segment] of segments.entries()) {
			startUpTo(position + context.source.processes.size + 1);
			const { frames, complaints } = (await running[position]) ?? NOTHING;
			if (frames.length < segment.wanted.length || complaints > 0) {
				stop.abort(new AppError('internal', { detail: 'a seek missed its frame' }));
				await Promise.allSettled(running);
				const rest = segments.slice(position).flatMap(({ wanted }) => wanted);
				yield* decodeSegment(context, { from: undefined, wanted: rest });
				return;
			}
			yield* frames;
			running[position] = Promise.resolve(NOTHING);
		}
	} finally {
		stop.abort(new AppError('internal', { detail: 'the frames are no longer wanted' }));
		await Promise.allSettled(running);
	}
}

async function collect(context: DecodeContext, segment: Segment): Promise<CollectedSegment> {
	const frames: Frame[] = [];
	let complaints = 0;
	for await (const frame of decodeSegment(context, segment, () => {
		complaints += 1;
	})) {
		frames.push(frame);
	}
	return { frames, complaints };
}

function split({ from, wanted }: Segment, { width, height }: { width: number; height: number }): Segment[] {
	const most = Math.max(1, Math.floor(MAX_SEGMENT_BYTES / (width * height * 3)));
	const parts: Segment[] = [];
	for (let start = 0; start < wanted.length; start += most) {
		const part = wanted.slice(start, start + most);
		parts.push({ from: start === 0 ? from : part[0], wanted: part });
	}
	return parts;
}
