import { Readable } from 'node:stream';
import { AppError, type Frame } from '@facet/contracts';
import { type DecodeContext, decodeFrames, decodeSegment } from './decode-segment.ts';
import { type Excerpt, planExcerpts } from './excerpt-plan.ts';
import type { ExtractionPlan } from './extraction-plan.ts';
import { createExcerptFile } from './mp4/excerpt-file.ts';
import type { MovieSamples } from './mp4/read-movie.ts';
import type { Release } from './process-limit.ts';
import { ReadAhead } from './read-ahead.ts';
import { selectExpression, toRuns } from './select-expression.ts';

/** Frames that are kept until their turn, in bytes, of all runs together; a single frame may be more. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/**
 * Decodes frames from excerpts of the file, which are written to runs of ffmpeg side by side, in order. The first frame
 * that is missing, or before which ffmpeg speaks of damage, turns the rest into a linear decode.
 */
export async function* readExcerpts(
	context: DecodeContext,
	{ wanted, runs }: ExtractionPlan,
): AsyncGenerator<Frame> {
	const places = await acquirePlaces(context, runs);
	const stop = new AbortController();
	const signal = AbortSignal.any([context.signal, stop.signal]);
	const readers: Reader[] = [];
	let next = 0;
	try {
		readers.push(...startReaders({ ...context, signal }, wanted, places));
		for (; next < wanted.length; next += 1) {
			const index = wanted[next] ?? Number.NaN;
			const reader = readers.find(({ frames }) => frames.has(index));
			const frame = await reader?.decoded.next();
			if (frame?.index !== index || reader?.damaged.has(index)) break;
			yield frame;
		}
	} finally {
		stop.abort(new AppError('internal', { detail: 'the frames are no longer wanted' }));
		await Promise.allSettled(readers.map(({ decoded }) => decoded.close()));
		for (const release of places) release();
	}
	context.signal.throwIfAborted();
	if (next < wanted.length) yield* decodeSegment(context, { from: undefined, wanted: wanted.slice(next) });
}

/**
 * One place, and more if they are free: one who waits for a second place while holding the first would wait for ever on
 * another one who does the same.
 */
async function acquirePlaces({ source, signal }: DecodeContext, most: number): Promise<Release[]> {
	const places = [await source.processes.acquire(signal)];
	while (places.length < most) {
		const place = source.processes.tryAcquire();
		if (place === undefined) break;
		places.push(place);
	}
	return places;
}

/** A run of ffmpeg over one excerpt. */
interface Reader {
	/** The frames that it is to give. */
	readonly frames: ReadonlySet<number>;
	readonly decoded: ReadAhead<Frame>;
	/** Frames that were given out after ffmpeg had spoken of damage. */
	readonly damaged: ReadonlySet<number>;
}

function startReaders(
	context: DecodeContext,
	wanted: readonly number[],
	places: readonly Release[],
): Reader[] {
	const { index, size } = context;
	const { samples } = index;
	const excerpts = planExcerpts(index, wanted, places.length);
	if (samples === undefined || excerpts === undefined) return [];
	const most = Math.floor(MAX_WAITING_BYTES / excerpts.length / (size.width * size.height * 3));
	return excerpts.map((excerpt, run) =>
		startReader(context, samples, excerpt, { most, release: places[run] }),
	);
}

function startReader(
	context: DecodeContext,
	samples: MovieSamples,
	excerpt: Excerpt,
	{ most, release }: { readonly most: number; readonly release: Release | undefined },
): Reader {
	const file = createExcerptFile(context.source.path, samples, excerpt.samples);
	const frameAt = new Map<number | undefined, number>();
	for (const [sample, frame] of excerpt.frames) frameAt.set(file.timestamps.get(sample), frame);
	const timestamps = [...excerpt.frames.keys()].map((sample) => file.timestamps.get(sample) ?? Number.NaN);
	const select = selectExpression('pts', toRuns(timestamps.sort((a, b) => a - b)));
	const damaged = new Set<number>();
	let complaints = 0;
	const decoded = decodeFrames(context, {
		input: Readable.from(file.bytes, { objectMode: false }),
		stream: 0,
		inputOptions: [],
		select: `select='${select}'`,
		count: excerpt.frames.size,
		frameAt: (timestamp) => {
			// ffmpeg speaks of damage before it prints the timestamp of the frame that shows it, on the same way.
			const frame = frameAt.get(timestamp);
			if (frame !== undefined && complaints > 0) damaged.add(frame);
			return frame;
		},
		onComplaint: () => {
			complaints += 1;
		},
	});
	const frames = new Set(excerpt.frames.values());
	return {
		frames,
		damaged,
		decoded: new ReadAhead(thenRelease(decoded, release), Math.min(most, frames.size)),
	};
}

/** The place is free as soon as ffmpeg has ended, however long the last frames wait for their turn. */
async function* thenRelease(
	frames: AsyncGenerator<Frame>,
	release: Release | undefined,
): AsyncGenerator<Frame> {
	try {
		yield* frames;
	} finally {
		release?.();
	}
}
