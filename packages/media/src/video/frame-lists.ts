import { AppError } from '@facet/contracts';
import { runProbe } from './ffprobe.ts';
import { NumberList } from './number-list.ts';
import { field, numberField } from './probe-line.ts';
import type { VideoHeader, VideoSource } from './probe-video.ts';

/** Packets of the video stream, without those that an edit list hides. */
export interface PacketList {
	/** Presentation timestamps in the stream's unit, ascending; NaN (at the end) for packets that have none. */
	readonly timestamps: Float64Array;
	/** Those of the packets where decoding can begin, ascending. */
	readonly keyTimestamps: Float64Array;
	/** Where each packet's bytes lie. */
	readonly places: PacketPlaces;
	/** All packets, the hidden ones included. */
	readonly count: number;
	readonly hasEmpty: boolean;
	/** Whether the first packet can be decoded alone and none that comes later is shown before it. */
	readonly startsWithKeyFrame: boolean;
	/** Of the packet shown last, in the stream's unit; 0 when the file does not say. */
	readonly lastDuration: number;
	readonly complaints: readonly string[];
}

/** Packets in the order of the file. */
export interface PacketPlaces {
	/** Presentation timestamps in the stream's unit. */
	readonly timestamps: Float64Array;
	/** Offset of the first byte in the file; NaN where ffprobe does not say. */
	readonly offsets: Float64Array;
}

/** Frames that decoding the whole stream gives. */
export interface FrameList {
	/** In presentation order, in the stream's unit; NaN for frames without one. */
	readonly timestamps: Float64Array;
	readonly succeeded: boolean;
}

/** Four hours at 240 frames a second are 3.5 million; eight bytes each. */
const MAX_FRAMES = 5_000_000;

/**
 * Reads the packets of a video without decoding them.
 *
 * @throws AppError `video_too_long` as soon as packets lie further apart than allowed, `processing_timeout`.
 */
export async function listPackets(
	source: VideoSource,
	header: VideoHeader,
	signal: AbortSignal | undefined,
): Promise<PacketList> {
	const timestamps = new NumberList();
	const keyTimestamps = new NumberList();
	const offsets = new NumberList();
	const guard = createLengthGuard(source, header);
	let count = 0;
	let hasEmpty = false;
	let firstIsKey = false;
	let last = { timestamp: Number.NEGATIVE_INFINITY, duration: 0 };
	const args = [
		'-select_streams',
		String(header.stream),
		'-show_entries',
		'packet=pts,duration,size,pos,flags',
	];
	const run = { ...source, args: [...args, '-print_format', 'compact=print_section=0'], signal };
	const end = await runProbe({ ...run, timeoutMs: source.limits.timeoutMs }, (line) => {
		const flags = field(line, 'flags');
		if (flags === undefined) return true;
		// AV_PKT_FLAG_DISCARD: decoded for the sake of others, never shown.
		const hidden = flags.includes('D');
		const timestamp = numberField(line, 'pts');
		guard(hidden ? Number.NaN : timestamp);
		count += 1;
		if (count === 1) firstIsKey = flags.includes('K');
		if (hidden) return true;
		if (numberField(line, 'size') === 0) hasEmpty = true;
		timestamps.push(timestamp);
		offsets.push(numberField(line, 'pos'));
		if (flags.includes('K') && !Number.isNaN(timestamp)) keyTimestamps.push(timestamp);
		if (timestamp > last.timestamp) last = { timestamp, duration: numberField(line, 'duration') || 0 };
		return true;
	});
	const inFile = timestamps.toArray();
	const [first] = inFile;
	const sorted = inFile.slice().sort();
	return {
		timestamps: sorted,
		keyTimestamps: keyTimestamps.toArray().sort(),
		places: { timestamps: inFile, offsets: offsets.toArray() },
		count,
		hasEmpty,
		startsWithKeyFrame: firstIsKey && (count > sorted.length || sorted[0] === first),
		lastDuration: last.duration,
		complaints: end.succeeded ? end.complaints : [...end.complaints, 'ffprobe failed'],
	};
}

/**
 * Decodes the whole stream to learn its frames. The pixels are of no interest, so the steps that only change pixels are
 * left out.
 *
 * @throws AppError `video_too_long`, `processing_timeout`.
 */
export async function listFrames(
	source: VideoSource,
	header: VideoHeader,
	{ threads, signal }: { readonly threads: number; readonly signal: AbortSignal | undefined },
): Promise<FrameList> {
	const timestamps = new NumberList();
	const guard = createLengthGuard(source, header);
	const entries = 'frame=key_frame,best_effort_timestamp';
	const args = [
		...['-threads', String(threads), '-skip_loop_filter', 'all', '-skip_idct', 'all'],
		...['-max_pixels', String(source.limits.maxPixels)],
		...['-select_streams', String(header.stream), '-show_entries', entries],
		...['-print_format', 'compact=print_section=0'],
	];
	const run = { ...source, args, timeoutMs: source.limits.timeoutMs, signal };
	const end = await runProbe(run, (line) => {
		if (field(line, 'key_frame') === undefined) return true;
		const timestamp = numberField(line, 'best_effort_timestamp');
		guard(timestamp);
		timestamps.push(timestamp);
		return true;
	});
	return { timestamps: timestamps.toArray(), succeeded: end.succeeded && end.complaints.length === 0 };
}

/** Facts, not the header, decide whether a video is too long; and they do so before anything is decoded. */
export function createLengthGuard({ limits }: VideoSource, { timeBase }: VideoHeader) {
	let count = 0;
	let first = Number.POSITIVE_INFINITY;
	let last = Number.NEGATIVE_INFINITY;
	return (timestamp: number) => {
		count += 1;
		if (timestamp < first) first = timestamp;
		if (timestamp > last) last = timestamp;
		const seconds = ((last - first) * timeBase.numerator) / timeBase.denominator;
		if (seconds > limits.maxSeconds) {
			throw new AppError('video_too_long', {
				detail: `expected at most ${limits.maxSeconds} seconds, received ${Math.floor(seconds)} or more`,
			});
		}
		if (count > MAX_FRAMES) {
			throw new AppError('video_too_long', { detail: `expected at most ${MAX_FRAMES} frames` });
		}
	};
}
