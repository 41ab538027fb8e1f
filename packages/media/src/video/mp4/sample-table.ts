import { type Box, findBox, readBoxes, readUInt64, requireBox, UnusualMovie } from './box.ts';
import { readChunkOffsets, readRuns, readSampleSizes, readSyncSamples } from './sample-columns.ts';

/** The samples of a video track, each of them one packet, in the order in which they are decoded. */
export interface SampleTable {
	/** Presentation timestamps in the track's unit, the edit list applied. */
	readonly timestamps: Float64Array;
	/** Where each sample's first byte lies in the file. */
	readonly offsets: Float64Array;
	/** Bytes of each sample. */
	readonly sizes: Uint32Array;
	/** Numbers of the samples where decoding can begin, ascending, from 0. */
	readonly keySamples: Uint32Array;
	/** Duration of the sample shown last, in the track's unit. */
	readonly lastDuration: number;
	/** The box `stsd`: codec, parameter sets, colours. */
	readonly description: Buffer;
}

/** A track with its samples. */
export interface MovieTrack {
	/** `track_ID`. */
	readonly trackId: number;
	/** Timestamp units in a second. */
	readonly unitsPerSecond: number;
	readonly samples: SampleTable;
}

/** Tables of fragments, of encryption, of samples elsewhere: what is in them changes what all others mean. */
const FOREIGN_BOXES = new Set(['stps', 'senc', 'saio', 'saiz', 'stz2', 'padb']);
/** Groups of samples that tell of key frames which `stss` leaves out. */
const KEY_GROUPS = new Set(['rap ', 'sync']);

/**
 * Reads the sample table of a file's one video track (ISO 14496-12, 8.6 and 8.7).
 *
 * Read are the shapes that nearly all files have: one description, one edit at most which hides nothing. There ffmpeg's
 * demuxer gives the same packets; everything else is left to it.
 *
 * @param movie - content of the box `moov`.
 * @throws UnusualMovie, RangeError (a table is cut off) when the file has another shape.
 */
export function readMovieTrack(movie: Buffer, fileBytes: number): MovieTrack {
	const boxes = readBoxes(movie);
	if (boxes.some(({ type }) => type === 'mvex' || type === 'cmov')) {
		throw new UnusualMovie('the file is in fragments, or its tables are compressed');
	}
	const track = findVideoTrack(boxes);
	const media = readBoxes(requireBox(track, 'mdia').content);
	const unitsPerSecond = readVersioned(requireBox(media, 'mdhd').content);
	const information = readBoxes(requireBox(media, 'minf').content);
	expectOwnData(information);
	const table = readBoxes(requireBox(information, 'stbl').content);
	if (table.some(isForeign)) throw new UnusualMovie('the track has tables that are not read here');

	const sizes = readSampleSizes(requireBox(table, 'stsz').content, fileBytes);
	const offsets = readChunkOffsets(table, sizes);
	expectInside(offsets, sizes, fileBytes);
	const durations = readRuns(requireBox(table, 'stts').content, sizes.length);
	const delays = findBox(table, 'ctts');
	const timestamps = presentationTimes(durations, delays && readRuns(delays.content, sizes.length));
	applyEdits(timestamps, track, boxes, unitsPerSecond);
	return {
		trackId: readVersioned(requireBox(track, 'tkhd').content),
		unitsPerSecond,
		samples: {
			timestamps,
			offsets,
			sizes,
			keySamples: readSyncSamples(findBox(table, 'stss'), sizes.length),
			lastDuration: delays === undefined ? (durations.at(-1) ?? 0) : shortestOf(durations),
			description: readDescription(table),
		},
	};
}

/**
 * Where frames are shown in another order than they are decoded in, the durations in the table are those between decoded
 * ones. ffprobe then takes the rate that all frames fit into, and this is as near.
 */
function shortestOf(durations: Float64Array): number {
	const shortest = durations.reduce(
		(least, duration) => (duration > 0 ? Math.min(least, duration) : least),
		Number.POSITIVE_INFINITY,
	);
	return Number.isFinite(shortest) ? shortest : 0;
}

/** The number after two times, which take 32 bits each in version 0 of a box and 64 in version 1. */
function readVersioned(content: Buffer): number {
	return content.readUInt32BE(content.readUInt8(0) === 1 ? 20 : 12);
}

function findVideoTrack(movie: readonly Box[]): Box[] {
	const [track, second] = movie
		.filter(({ type }) => type === 'trak')
		.map(({ content }) => readBoxes(content))
		.filter((boxes) => {
			const handler = requireBox(readBoxes(requireBox(boxes, 'mdia').content), 'hdlr').content;
			return handler.toString('latin1', 8, 12) === 'vide';
		});
	if (track === undefined || second !== undefined) throw new UnusualMovie('expected one video track');
	return track;
}

/** A track may say that its samples lie in another file. */
function expectOwnData(information: readonly Box[]): void {
	const references = requireBox(readBoxes(requireBox(information, 'dinf').content), 'dref').content;
	const entries = readBoxes(references.subarray(8));
	const isOwn = entries.every(({ content }) => (content.readUInt32BE(0) & 1) === 1);
	if (entries.length !== 1 || !isOwn) throw new UnusualMovie('the samples may lie in another file');
}

function isForeign({ type, content }: Box): boolean {
	if (type === 'sbgp' || type === 'csgp') return KEY_GROUPS.has(content.toString('latin1', 4, 8));
	return FOREIGN_BOXES.has(type);
}

function readDescription(table: readonly Box[]): Buffer {
	const { bytes, content } = requireBox(table, 'stsd');
	if (content.readUInt32BE(4) !== 1 || readBoxes(content.subarray(8)).length !== 1) {
		throw new UnusualMovie('the track has several descriptions');
	}
	return bytes;
}

function expectInside(offsets: Float64Array, sizes: Uint32Array, fileBytes: number): void {
	for (const [sample, size] of sizes.entries()) {
		const isInside = size > 0 && (offsets[sample] ?? Number.NaN) + size <= fileBytes;
		if (!isInside) throw new UnusualMovie(`sample ${sample} is empty or lies outside of the file`);
	}
}

/** Decoding times add up; presentation comes `delays` later, which may be negative. */
function presentationTimes(durations: Float64Array, delays: Float64Array | undefined): Float64Array {
	const timestamps = new Float64Array(durations.length);
	let time = 0;
	for (const [sample, duration] of durations.entries()) {
		const delay = delays?.[sample] ?? 0;
		if (duration < 0 || duration > MAX_STEP || Math.abs(delay) > MAX_STEP)
			throw new UnusualMovie('a step is too long');
		timestamps[sample] = time + delay;
		time += duration;
	}
	return timestamps;
}

/** ffmpeg mends larger ones; no file means them. */
const MAX_STEP = 2 ** 28;

/**
 * Makes the edit list's times of a track's: the first frame that it shows is at 0. Without a list times stay.
 *
 * @throws UnusualMovie when it hides samples, shows some twice, or waits before it shows any.
 */
function applyEdits(
	timestamps: Float64Array,
	track: readonly Box[],
	movie: readonly Box[],
	unitsPerSecond: number,
): void {
	const edits = findBox(track, 'edts');
	if (edits === undefined) return;
	const list = requireBox(readBoxes(edits.content), 'elst').content;
	const isLong = list.readUInt8(0) === 1;
	if (list.readUInt32BE(4) !== 1) throw new UnusualMovie('the edit list has not one entry');
	const duration = isLong ? readUInt64(list, 8) : list.readUInt32BE(8);
	const start = isLong ? readUInt64(list, 16) : list.readInt32BE(12);
	const rate = list.readUInt32BE(isLong ? 24 : 16);
	const movieTimescale = readVersioned(requireBox(movie, 'mvhd').content);
	const first = timestamps.reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY);
	const last = timestamps[indexOfLargest(timestamps)] ?? 0;
	// A unit of room: ffmpeg rounds the duration to the track's unit.
	const showsAll = (duration * unitsPerSecond) / movieTimescale > last - start + 1;
	if (rate !== 0x1_0000 || start !== first || !showsAll) {
		throw new UnusualMovie('the edit list hides or moves samples');
	}
	for (let sample = 0; sample < timestamps.length; sample += 1) {
		timestamps[sample] = (timestamps[sample] ?? 0) - start;
	}
}

function indexOfLargest(values: Float64Array): number {
	let largest = 0;
	for (let i = 1; i < values.length; i += 1) {
		if ((values[i] ?? 0) > (values[largest] ?? 0)) largest = i;
	}
	return largest;
}
