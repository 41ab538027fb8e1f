import { AppError } from '@facet/contracts';
import { listFrames, listPackets, type PacketList, type PacketPlaces } from './frame-lists.ts';
import { listSamples } from './mp4/list-samples.ts';
import type { Movie, MovieSamples } from './mp4/read-movie.ts';
import type { VideoHeader, VideoSource } from './probe-video.ts';

/** Every frame of a video in presentation order, as a decoder gives them out. */
export interface FrameIndex {
	readonly count: number;
	/** Timestamps in the stream's unit, ascending. */
	readonly timestamps: Float64Array;
	/** Indexes of the frames where decoding can begin, ascending. */
	readonly keyFrames: readonly number[];
	/** Whether each frame has a timestamp of its own, so that it can be recognised by it. */
	readonly recognisable: boolean;
	/** Whether ffmpeg can be sent to a timestamp of this file and gives out frames under the same timestamps then. */
	readonly seekable: boolean;
	/** Duration of the last frame, in the stream's unit. */
	readonly lastDuration: number;
	/** Where the packet of each frame lies, where a packet is a frame. */
	readonly places: PacketPlaces | undefined;
	/** What is in each sample, of files whose tables Facet reads itself. */
	readonly samples: MovieSamples | undefined;
	/** Samples in the file, those that an edit list hides included. */
	readonly packets: number;
	readonly warnings: readonly string[];
}

/** Of these each packet is one frame that is shown, as long as nothing below speaks against it. */
const ONE_FRAME_A_PACKET = new Set([
	'h264',
	'hevc',
	'vp9',
	'av1',
	'mjpeg',
	'prores',
	'dnxhd',
	'ffv1',
	'png',
	'qtrle',
	'rawvideo',
	'utvideo',
	'huffyuv',
	'ffvhuff',
]);

/** AVI with B-frames leaves out the last ones' timestamps, which is no reason to alarm anybody. */
const MISSING_TOLERANCE = 4;

/**
 * Containers that store presentation timestamps and an index of key frames. In a transport stream ffmpeg lands on any
 * packet, key frame or not.
 */
const SEEKABLE_DEMUXERS = new Set(['mov', 'matroska', 'flv']);

/**
 * Counts the frames of a video and finds their timestamps: from its packets where each is exactly one frame, and by
 * decoding the whole file where not (hidden alternate references of VP8, placeholders of packed MPEG-4, repeated frames
 * of Theora, pairs of fields, a damaged file).
 *
 * @param movie - the tables of the file where they could be read without ffprobe.
 * @throws AppError `corrupt_media`, `video_too_long`, `processing_timeout`.
 */
export async function indexFrames(
	source: VideoSource,
	header: VideoHeader,
	movie: Movie | undefined,
	signal?: AbortSignal | undefined,
): Promise<FrameIndex> {
	const samples = movie && samplesOfStream(header, movie);
	const packets = samples ? listSamples(source, header, samples) : await listPackets(source, header, signal);
	const index = packetsAreFrames(header, packets)
		? fromPackets(source, packets, samples)
		: await fromFrames(source, header, packets, signal);
	if (index.count === 0) {
		throw new AppError('corrupt_media', { detail: `no frame of the ${header.codec} stream could be read` });
	}
	return index;
}

/** The samples, if they are those of the stream that ffprobe described and ffprobe saw nothing wrong with it. */
function samplesOfStream(header: VideoHeader, { codec, trackId, unitsPerSecond, samples }: Movie) {
	const { numerator, denominator } = header.timeBase;
	const isSame =
		header.codec === codec &&
		header.streamId === trackId &&
		numerator === 1 &&
		denominator === unitsPerSecond;
	return isSame && header.clean ? samples : undefined;
}

function packetsAreFrames({ codec, interlaced }: VideoHeader, packets: PacketList): boolean {
	return (
		ONE_FRAME_A_PACKET.has(codec) &&
		!interlaced &&
		packets.complaints.length === 0 &&
		!packets.hasEmpty &&
		packets.startsWithKeyFrame &&
		isStrictlyAscending(packets.timestamps)
	);
}

function fromPackets(
	source: VideoSource,
	packets: PacketList,
	samples: MovieSamples | undefined,
): FrameIndex {
	return {
		count: packets.timestamps.length,
		timestamps: packets.timestamps,
		keyFrames: positionsOf(packets.keyTimestamps, packets.timestamps),
		recognisable: true,
		seekable: SEEKABLE_DEMUXERS.has(source.type.demuxer),
		lastDuration: packets.lastDuration,
		places: packets.places,
		samples,
		packets: packets.count,
		warnings: [],
	};
}

async function fromFrames(
	source: VideoSource,
	header: VideoHeader,
	packets: PacketList,
	signal: AbortSignal | undefined,
): Promise<FrameIndex> {
	const damaged = packets.complaints.length > 0;
	let frames = await listFrames(source, header, { threads: damaged ? 1 : source.processes.size, signal });
	// With several threads a decoder gives up more around damage, and not the same each time.
	if (!damaged && !frames.succeeded) frames = await listFrames(source, header, { threads: 1, signal });
	const recognisable = isStrictlyAscending(frames.timestamps);
	const { timestamps, missing } = completeTimestamps(frames.timestamps, 1 / (25 * secondsPerUnit(header)));
	const warnings: string[] = [];
	if (damaged || !frames.succeeded) {
		warnings.push('the file is damaged or ends too early: what could be read of it was analysed');
	}
	if (missing > Math.max(MISSING_TOLERANCE, timestamps.length * 0.02)) {
		warnings.push(
			`${missing} frames have no timestamp of their own: their times were taken from their neighbours`,
		);
	}
	return {
		count: timestamps.length,
		timestamps,
		keyFrames: recognisable ? positionsOf(packets.keyTimestamps, frames.timestamps) : [],
		recognisable,
		// A frame that carries no packet's timestamp got it by a guess that depends on the frames before it.
		seekable:
			recognisable &&
			SEEKABLE_DEMUXERS.has(source.type.demuxer) &&
			positionsOf(frames.timestamps, packets.timestamps).length === frames.timestamps.length,
		lastDuration: packets.lastDuration,
		places: undefined,
		samples: undefined,
		packets: packets.count,
		warnings,
	};
}

/**
 * Fills in timestamps that are missing: evenly between their neighbours, and at the ends with the mean step.
 *
 * @param defaultStep - between frames when not two of them have a timestamp.
 */
export function completeTimestamps(
	timestamps: Float64Array,
	defaultStep: number,
): { readonly timestamps: Float64Array; readonly missing: number } {
	const known = [...timestamps.keys()].filter((i) => !Number.isNaN(timestamps[i]));
	const missing = timestamps.length - known.length;
	if (missing === 0) return { timestamps, missing };
	const first = known[0] ?? 0;
	const last = known.at(-1) ?? 0;
	const at = (i: number) => timestamps[i] ?? 0;
	const step = last > first ? (at(last) - at(first)) / (last - first) : defaultStep;
	let before = first;
	let next = 0;
	const complete = timestamps.map((value, i) => {
		if (!Number.isNaN(value)) {
			before = i;
			return value;
		}
		while (next < known.length && (known[next] ?? 0) < i) next += 1;
		const after = known[next];
		const origin = known.length === 0 ? 0 : at(before);
		if (after === undefined || i < first) return origin + (i - before) * step;
		return origin + ((at(after) - origin) * (i - before)) / (after - before);
	});
	return { timestamps: complete, missing };
}

function secondsPerUnit({ timeBase }: VideoHeader): number {
	return timeBase.numerator / timeBase.denominator;
}

function isStrictlyAscending(values: Float64Array): boolean {
	for (let i = 0; i < values.length; i += 1) {
		const value = values[i] ?? Number.NaN;
		if (Number.isNaN(value) || (i > 0 && value <= (values[i - 1] ?? Number.NaN))) return false;
	}
	return true;
}

/** Where the wanted values stand in the others; both ascending. What is not there is left out. */
function positionsOf(wanted: Float64Array, values: Float64Array): number[] {
	const positions: number[] = [];
	let position = 0;
	for (const value of wanted) {
		while (position < values.length && (values[position] ?? Number.POSITIVE_INFINITY) < value) position += 1;
		if (values[position] === value) positions.push(position);
	}
	return positions;
}
