import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { AppError, type Frame, type VideoReport } from '@facet/contracts';
import type { VideoType } from '../sniff.ts';
import { timestampMs } from './decode-segment.ts';
import { fitInside } from './display-geometry.ts';
import { decodingCost, type ExtractionPlan, planExtraction, type Strategy } from './extraction-plan.ts';
import { type FfmpegFeatures, ffmpegFeatures } from './ffmpeg-features.ts';
import { type FrameIndex, indexFrames } from './frame-index.ts';
import { type Movie, readMovie } from './mp4/read-movie.ts';
import { isHighDynamicRange } from './pixel-filters.ts';
import { probeVideo, type VideoHeader, type VideoLimits, type VideoSource } from './probe-video.ts';
import { ProcessLimit } from './process-limit.ts';
import { readFrames } from './read-frames.ts';
import { findReferenceFrames } from './reference-frames.ts';
import { sampleIndexes } from './sample-frames.ts';

/** Where a frame stands in its video. */
export interface FrameRef {
	/** 0-based index in presentation order. */
	readonly index: number;
	/** The frame's own time after the first frame's, in milliseconds. */
	readonly timestampMs: number;
}

export interface ReadOptions {
	/** Longest side of the frames, which are never enlarged; full size without it. */
	readonly maxSide?: number | undefined;
	readonly signal?: AbortSignal | undefined;
	/** Overrides the estimate, for tests and measurements. */
	readonly strategy?: Strategy | undefined;
}

/** What a stored result says of a video, except for what only the reader of its frames knows. */
export type VideoFacts = Pick<
	VideoReport,
	'format' | 'codec' | 'width' | 'height' | 'rotation' | 'durationMs' | 'frames' | 'frameRate'
>;

/** Timestamps of a constant rate may be rounded to the container's unit and to whole milliseconds. */
const CONSTANT_RATE_TOLERANCE_MS = 1.5;
/** A header's duration may include sound that is longer; more than this is a mistake. */
const DURATION_TOLERANCE_MS = 1000;
const DURATION_TOLERANCE = 0.1;

let ownLimit: ProcessLimit | undefined;

/**
 * Opens a video: header, exact count of its frames, and their timestamps.
 *
 * @param path - a local file, which has to stay until the last frame is read.
 * @param processes - shared by all videos of a process; by default one for each core.
 * @throws AppError `corrupt_media`, `no_video_stream`, `unsupported_format`, `too_many_pixels`, `video_too_long`,
 * `processing_timeout`; the signal's reason when it is aborted.
 */
export async function openVideo(
	path: string,
	type: VideoType,
	limits: VideoLimits,
	{ signal, processes }: { signal?: AbortSignal | undefined; processes?: ProcessLimit | undefined } = {},
): Promise<Video> {
	ownLimit ??= new ProcessLimit(availableParallelism());
	const source = { path: resolve(path), type, limits, processes: processes ?? ownLimit };
	const stop = new AbortController();
	const reading = readTables(
		source,
		signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]),
	);
	// It is awaited below, unless the header cannot be read.
	reading.catch(() => {});
	try {
		const [header, features] = await Promise.all([
			probeVideo(source, signal),
			ffmpegFeatures().catch((cause: unknown) => {
				throw new AppError('internal', { detail: 'ffmpeg cannot be run', cause });
			}),
		]);
		const index = await indexFrames(source, header, await reading, signal);
		return new Video(source, header, index, features);
	} finally {
		stop.abort();
		await Promise.allSettled([reading]);
	}
}

/** While ffprobe reads the header, which takes as long: the tables, where Facet knows how. */
async function readTables(
	{ path, type, limits }: VideoSource,
	signal: AbortSignal,
): Promise<Movie | undefined> {
	if (type.demuxer !== 'mov') return undefined;
	const timeout = AbortSignal.timeout(limits.timeoutMs);
	try {
		return await readMovie(path, AbortSignal.any([signal, timeout]));
	} catch (cause) {
		if (!timeout.aborted || signal.aborted) throw cause;
		throw new AppError('processing_timeout', { detail: 'reading the video took too long', cause });
	}
}

/** A video whose frames can be read, at any size and as often as needed. */
export class Video {
	readonly facts: VideoFacts;
	readonly #source: VideoSource;
	readonly #header: VideoHeader;
	readonly #index: FrameIndex;
	readonly #features: FfmpegFeatures;
	readonly #warnings: Set<string>;

	constructor(source: VideoSource, header: VideoHeader, index: FrameIndex, features: FfmpegFeatures) {
		this.#source = source;
		this.#header = header;
		this.#index = index;
		this.#features = features;
		this.facts = {
			format: source.type.format,
			codec: header.codec,
			width: header.geometry.width,
			height: header.geometry.height,
			rotation: header.geometry.rotation,
			durationMs: this.#durationMs(),
			frames: index.count,
			frameRate: this.#isConstantRate() ? 'constant' : 'variable',
		};
		this.#warnings = new Set([...header.warnings, ...index.warnings, ...this.#findContradictions()]);
	}

	/** What a careful user would want to know; reading frames may add to it. */
	get warnings(): readonly string[] {
		return [...this.#warnings];
	}

	/** The frames that stand for the video: `floor(k * N / n)`, all of them when N <= n. */
	sample(wanted: number): FrameRef[] {
		return sampleIndexes(this.#index.count, wanted).map((index) => ({
			index,
			timestampMs: this.#timestampMs(index),
		}));
	}

	/** How frames would be read, and why: for measurements. */
	plan(frames: readonly FrameRef[], strategy?: Strategy | undefined): ExtractionPlan {
		const { width, height } = this.#header.coded;
		const cost = decodingCost(width * height, this.#source.processes.size);
		const wanted = [...new Set(frames.map(({ index }) => index))].sort((a, b) => a - b);
		return planExtraction(this.#index, wanted, cost, strategy);
	}

	/**
	 * Decodes frames, in presentation order. ffmpeg waits while nobody asks for the next one, and holds its place among
	 * the processes meanwhile: finish or leave one loop before the next one starts inside of it.
	 *
	 * Frames that cannot be decoded are left out, and a warning says so. Leaving the loop ends ffmpeg.
	 *
	 * @throws AppError `corrupt_media` when not one frame can be decoded, `processing_timeout`, `internal`; the signal's
	 * reason when it is aborted.
	 */
	async *frames(frames: readonly FrameRef[], options: ReadOptions = {}): AsyncGenerator<Frame> {
		const plan = this.plan(frames, options.strategy);
		// Only on the way to a place can frames be left out: a linear decode is asked for all that comes.
		const references =
			plan.strategy === 'seek'
				? await findReferenceFrames(this.#source, this.#header, this.#index, plan.segments)
				: new Set<number>();
		const timeout = new AbortController();
		const timer = setTimeout(() => {
			timeout.abort(new AppError('processing_timeout', { detail: 'decoding the video took too long' }));
		}, this.#source.limits.timeoutMs);
		const context = {
			source: this.#source,
			header: this.#header,
			index: this.#index,
			features: this.#features,
			references,
			size: fitInside(this.facts, options.maxSide ?? Number.POSITIVE_INFINITY),
			signal: options.signal ? AbortSignal.any([options.signal, timeout.signal]) : timeout.signal,
		};
		const wanted = plan.wanted.length;
		let obtained = 0;
		try {
			for await (const frame of readFrames(context, plan)) {
				obtained += 1;
				yield { ...frame, timestampMs: this.#timestampMs(frame.index) };
				// Frames that are already decoded are not given out to one who has been told to stop.
				context.signal.throwIfAborted();
			}
		} finally {
			clearTimeout(timer);
		}
		if (wanted > 0 && obtained === 0) {
			throw new AppError('corrupt_media', { detail: `no frame of ${this.#header.codec} could be decoded` });
		}
		if (obtained < wanted) {
			this.#warnings.add('some of the frames are damaged and could not be decoded');
		}
	}

	#timestampMs(index: number): number {
		return timestampMs(this.#index, this.#header, index);
	}

	#toMs(units: number): number {
		return (units * this.#header.timeBase.numerator * 1000) / this.#header.timeBase.denominator;
	}

	#durationMs(): number {
		const { count, lastDuration } = this.#index;
		const span = this.#timestampMs(count - 1);
		const last = lastDuration > 0 ? this.#toMs(lastDuration) : span / Math.max(1, count - 1);
		return Math.max(0, span + last);
	}

	#isConstantRate(): boolean {
		const { count, timestamps } = this.#index;
		const step = this.#toMs((timestamps[count - 1] ?? 0) - (timestamps[0] ?? 0)) / Math.max(1, count - 1);
		const tolerance = Math.max(CONSTANT_RATE_TOLERANCE_MS, this.#toMs(1));
		for (let i = 1; i < count; i += 1) {
			const actual = this.#toMs((timestamps[i] ?? 0) - (timestamps[i - 1] ?? 0));
			if (Math.abs(actual - step) > tolerance) return false;
		}
		return true;
	}

	#findContradictions(): string[] {
		const { claimedFrames, claimedSeconds, colour } = this.#header;
		const { durationMs } = this.facts;
		const { timestamps } = this.#index;
		const warnings: string[] = [];
		if (claimedFrames !== undefined && claimedFrames !== this.#index.packets) {
			warnings.push(`the header says ${claimedFrames} frames, the file has ${this.#index.count}`);
		}
		const claimedMs = (claimedSeconds ?? durationMs / 1000) * 1000;
		const tolerance = Math.max(DURATION_TOLERANCE_MS, claimedMs * DURATION_TOLERANCE);
		// Some containers count from zero, and not from the first frame.
		const fromZeroMs = durationMs + this.#toMs(timestamps[0] ?? 0);
		if ([durationMs, fromZeroMs].every((actual) => Math.abs(claimedMs - actual) > tolerance)) {
			const [said, is] = [claimedMs, durationMs].map((ms) => (ms / 1000).toFixed(1));
			warnings.push(`the header says ${said} seconds, the frames last ${is}`);
		}
		if (isHighDynamicRange(colour) && !this.#features.toneMapping) {
			warnings.push('high dynamic range was not converted, since this ffmpeg lacks zscale');
		}
		return warnings;
	}
}
