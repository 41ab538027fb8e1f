import type { Readable } from 'node:stream';
import { AppError, type Frame, type Size } from '@facet/contracts';
import { startRawDecode } from '../ffmpeg.ts';
import type { Segment } from './extraction-plan.ts';
import type { FfmpegFeatures } from './ffmpeg-features.ts';
import { inputProtection } from './ffprobe.ts';
import type { FrameIndex } from './frame-index.ts';
import { outputFormat, pixelFilters } from './pixel-filters.ts';
import type { VideoHeader, VideoSource } from './probe-video.ts';
import { selectExpression, toRuns } from './select-expression.ts';
import { TimestampReader } from './timestamp-reader.ts';

export interface DecodeContext {
	readonly source: VideoSource;
	readonly header: VideoHeader;
	readonly index: FrameIndex;
	readonly features: FfmpegFeatures;
	/** Of the upright frames. */
	readonly size: Size;
	/** Wanted frames that others are decoded from, as far as that is known. */
	readonly references: ReadonlySet<number>;
	readonly signal: AbortSignal;
}

/** One run of ffmpeg, and how its frames are known. */
export interface DecodeRun {
	/** A path, or the bytes of a file. */
	readonly input: string | Readable;
	/** Number of the video stream in the input. */
	readonly stream: number;
	/** Where to begin, and what to leave out. */
	readonly inputOptions: readonly string[];
	/** ffmpeg's filter that lets the frames wanted pass. */
	readonly select: string;
	/** Frames wanted. */
	readonly count: number;
	/** The index of the frame that has a timestamp, or comes at a place in the order; undefined for one not wanted. */
	readonly frameAt: (timestamp: number | undefined, order: number) => number | undefined;
	/** Gets each line in which ffmpeg speaks of damage, before the frame that shows it. */
	readonly onComplaint?: ((line: string) => void) | undefined;
}

/**
 * Decodes the frames of one segment of the file.
 *
 * @param onComplaint - gets each line in which ffmpeg speaks of damage.
 * @throws the signal's reason when it is aborted.
 */
export async function* decodeSegment(
	context: DecodeContext,
	segment: Segment,
	onComplaint?: (line: string) => void,
): AsyncGenerator<Frame> {
	const { header, index, source, signal } = context;
	const expected = new Map(segment.wanted.map((frame) => [index.timestamps[frame], frame]));
	const release = await source.processes.acquire(signal);
	try {
		yield* decodeFrames(context, {
			input: source.path,
			stream: header.stream,
			inputOptions: seekOptions(context, segment),
			select: selectFilter(index, segment),
			count: segment.wanted.length,
			frameAt: (timestamp, order) => (index.recognisable ? expected.get(timestamp) : segment.wanted[order]),
			onComplaint,
		});
	} finally {
		release();
	}
}

/**
 * Runs ffmpeg, for which the caller holds a place.
 *
 * Each frame is known by its timestamp, which comes on another way than its pixels; those that come under a timestamp
 * that was not asked for are dropped. So a frame that cannot be decoded, or that a seek misses, is missing and no other
 * stands in its place.
 *
 * @throws the signal's reason when it is aborted.
 */
export async function* decodeFrames(context: DecodeContext, run: DecodeRun): AsyncGenerator<Frame> {
	const { header, index, size, signal, features } = context;
	signal.throwIfAborted();
	const timestamps = new TimestampReader();
	const decode = startRawDecode(run.input, {
		inputOptions: [...inputOptions(context), ...run.inputOptions],
		stream: run.stream,
		filters: [run.select, ...timestamps.filters, ...pixelFilters(header, size, features)],
		outputOptions: [
			...features.frameSync,
			...['-frames:v', String(run.count), '-pix_fmt', outputFormat(header), '-filter_threads', '1'],
		],
		onLine: (line) => {
			if (!timestamps.read(line) && isComplaint(line)) run.onComplaint?.(line);
		},
	});
	signal.addEventListener('abort', decode.kill, { once: true });
	const over = decode.ended.then(() => timestamps.end());
	try {
		const frameBytes = size.width * size.height * (header.hasAlpha ? 4 : 3);
		let order = 0;
		for await (const data of cutIntoFrames(decode.pixels, frameBytes)) {
			const timestamp = await timestamps.next();
			const frame = run.frameAt(timestamp, order);
			order += 1;
			if (frame === undefined || timestamp === undefined) continue;
			yield {
				index: frame,
				timestampMs: timestampMs(index, header, frame),
				image: { ...size, data: header.hasAlpha ? overWhite(data) : data },
			};
			if (order === run.count) break;
		}
		signal.throwIfAborted();
	} catch (error) {
		signal.throwIfAborted();
		throw new AppError('internal', { detail: 'frames could not be read from ffmpeg', cause: error });
	} finally {
		signal.removeEventListener('abort', decode.kill);
		decode.kill();
		decode.pixels.destroy();
		if (typeof run.input !== 'string') run.input.destroy();
		await over;
	}
}

/** What is neither the heartbeat (`framecrc`, see ffmpeg.ts) nor the mark of a filter. */
function isComplaint(line: string): boolean {
	return line !== '' && !/^(?:#|\d+, |facet=)/.test(line);
}

/** A frame's time after the first frame's, in milliseconds; NaN where it has no timestamp. */
export function timestampMs(index: FrameIndex, header: VideoHeader, frame: number): number {
	const units = (index.timestamps[frame] ?? Number.NaN) - (index.timestamps[0] ?? Number.NaN);
	return (units * header.timeBase.numerator * 1000) / header.timeBase.denominator;
}

function inputOptions({ source, header, features }: DecodeContext): string[] {
	const options = [
		...inputProtection(source.type),
		// A damaged header must not make the decoder ask for memory without bounds. One thread: with more, what comes of
		// damaged frames differs from run to run; segments side by side and other jobs use the other cores.
		...['-max_pixels', String(source.limits.maxPixels), '-threads', '1'],
		// Rotation comes after scaling, on fewer pixels; timestamps stay those of the file.
		...['-noautorotate', '-copyts'],
	];
	if (header.hasAlpha && features.vpxAlpha) {
		if (header.codec === 'vp9') options.push('-c:v', 'libvpx-vp9');
		if (header.codec === 'vp8') options.push('-c:v', 'libvpx');
	}
	return options;
}

function seekOptions({ header, index, references }: DecodeContext, { from, wanted }: Segment): string[] {
	if (from === undefined) return [];
	const seconds = ((index.timestamps[from] ?? 0) * header.timeBase.numerator) / header.timeBase.denominator;
	// To the key frame before it; `select` and not ffmpeg decides which frame it is.
	const seek = ['-noaccurate_seek', '-seek_timestamp', '1', '-ss', seconds.toFixed(6)];
	// On the way to a frame that others refer to, those that nobody refers to are not needed: half of them, often.
	return wanted.every((frame) => references.has(frame)) ? ['-skip_frame', 'noref', ...seek] : seek;
}

function selectFilter({ recognisable, timestamps }: FrameIndex, { from, wanted }: Segment): string {
	const runs = toRuns(wanted);
	if (!recognisable) return `select='${selectExpression('n', runs)}'`;
	const at = (frame: number) => timestamps[frame] ?? 0;
	const expression = selectExpression(
		'pts',
		runs.map(([first, last]) => [at(first), at(last)]),
	);
	// One frame after the last, if that did not come: a seek that went too far would else be noticed at the file's end.
	const last = at(wanted.at(-1) ?? 0);
	return `select='${from === undefined ? expression : `${expression}+gt(pts,${last})*not(gte(prev_selected_pts,${last}))`}'`;
}

async function* cutIntoFrames(
	pixels: AsyncIterable<Uint8Array>,
	frameBytes: number,
): AsyncGenerator<Uint8Array> {
	let frame = new Uint8Array(frameBytes);
	let filled = 0;
	for await (const chunk of pixels) {
		let taken = 0;
		while (taken < chunk.length) {
			const part = chunk.subarray(taken, taken + frameBytes - filled);
			frame.set(part, filled);
			filled += part.length;
			taken += part.length;
			if (filled < frameBytes) break;
			yield frame;
			frame = new Uint8Array(frameBytes);
			filled = 0;
		}
	}
}

/** Pixels of four channels as pixels of three, on a white ground; as libvips does it, which is not loaded here. */
function overWhite(rgba: Uint8Array): Uint8Array {
	const rgb = new Uint8Array((rgba.length / 4) * 3);
	for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
		const alpha = rgba[from + 3] ?? 0;
		const white = 255 * (255 - alpha);
		// What is left of the decimal point is stored: rounded down, as whole numbers are divided in C.
		rgb[to] = ((rgba[from] ?? 0) * alpha + white) / 255;
		rgb[to + 1] = ((rgba[from + 1] ?? 0) * alpha + white) / 255;
		rgb[to + 2] = ((rgba[from + 2] ?? 0) * alpha + white) / 255;
	}
	return rgb;
}
