import { type Box, readBoxes, requireBox, UnusualMovie } from './box.ts';
import type { FileWindow } from './file-window.ts';
import type { SampleTable } from './sample-table.ts';

/** What the units of a sample say of the picture in it; a sum of these. */
export const PictureTrait = {
	/** Decoding begins anew: nothing after it in decoding order refers to what was before (IDR). */
	refresh: 1,
	/** Nothing refers to it. */
	disposable: 2,
	/** It carries parameter sets, which hold for the pictures after it. */
	parameters: 4,
} as const;

export type MovieCodec = 'h264' | 'hevc';

/** Bytes before each unit that say how long it is. Other sizes are allowed (ISO 14496-15) and hardly ever used. */
const LENGTH_BYTES = 4;
/** The length, and the most that a unit's header and the flag after it take. */
const UNIT_START_BYTES = LENGTH_BYTES + 3;
/** H.265 allows 600 slices a picture (table A.8), and hardly anybody has a dozen. */
const MAX_UNITS = 2000;
/** A sample entry's fields before its boxes (ISO 14496-12, 12.1.3). */
const ENTRY_FIELD_BYTES = 78;

/** What a unit is to the sample that it lies in. */
interface Unit {
	readonly kind: 'slice' | 'parameters' | 'other';
	readonly refresh: boolean;
	readonly referred: boolean;
	/** Decoding may begin here, whatever comes later. */
	readonly random: boolean;
	/** Of a slice: the first one of its picture. */
	readonly first: boolean;
}

const OTHER: Unit = { kind: 'other', refresh: false, referred: false, random: false, first: false };
const PARAMETERS: Unit = { ...OTHER, kind: 'parameters' };

interface Syntax {
	readonly codec: MovieCodec;
	/** The box with the decoder's configuration, and the offset of its two bits of `lengthSizeMinusOne`. */
	readonly configuration: { readonly type: string; readonly lengthOffset: number };
	readonly readUnit: (header: Buffer) => Unit;
}

const H264: Syntax = {
	codec: 'h264',
	configuration: { type: 'avcC', lengthOffset: 4 },
	readUnit: readH264Unit,
};
const HEVC: Syntax = {
	codec: 'hevc',
	configuration: { type: 'hvcC', lengthOffset: 21 },
	readUnit: readHevcUnit,
};
const SYNTAXES: Readonly<Record<string, Syntax>> = { avc1: H264, avc3: H264, hvc1: HEVC, hev1: HEVC };

/**
 * Walks through the units of each sample: no decoding, yet it notices what ffprobe notices of damage, that units do not
 * fill their sample, and learns which pictures others refer to.
 *
 * @returns the codec, and for each sample a sum of `PictureTrait`.
 * @throws UnusualMovie when it is not H.264 or H.265, or does not look like it all through; the signal's reason.
 */
export async function readPictureTraits(
	window: FileWindow,
	{ description, sizes, offsets, keySamples }: SampleTable,
	signal: AbortSignal,
): Promise<{ readonly codec: MovieCodec; readonly traits: Uint8Array }> {
	const syntax = syntaxOf(description);
	const traits = new Uint8Array(sizes.length);
	let key = 0;
	for (const [sample, size] of sizes.entries()) {
		const start = offsets[sample] ?? 0;
		const end = start + size;
		const units: Unit[] = [];
		for (let at = start; at < end; ) {
			const startBytes = Math.min(UNIT_START_BYTES, end - at);
			let bytes = window.peek(at, startBytes);
			if (bytes === undefined) {
				signal.throwIfAborted();
				bytes = await window.load(at, startBytes);
			}
			if (units.length === MAX_UNITS) throw new UnusualMovie(`sample ${sample} has very many units`);
			units.push(syntax.readUnit(bytes.subarray(LENGTH_BYTES)));
			const unitBytes = bytes.readUInt32BE(0);
			at += LENGTH_BYTES + unitBytes;
			if (unitBytes === 0 || at > end) throw new UnusualMovie('units do not fill their sample');
		}
		traits[sample] = traitsOf(units);
		// The table and the pictures have to agree on where decoding can begin.
		const isKey = keySamples[key] === sample;
		if (isKey) key += 1;
		if (isKey !== units.some(({ random }) => random)) {
			throw new UnusualMovie(`sample ${sample} is a key frame or is none`);
		}
	}
	return { codec: syntax.codec, traits };
}

/** A sum of `PictureTrait`. @throws UnusualMovie when the units make no whole picture. */
function traitsOf(units: readonly Unit[]): number {
	const slices = units.filter(({ kind }) => kind === 'slice');
	if (slices[0]?.first !== true)
		throw new UnusualMovie('a sample does not begin with the start of a picture');
	return (
		(slices.every(({ refresh }) => refresh) ? PictureTrait.refresh : 0) |
		(slices.some(({ referred }) => referred) ? 0 : PictureTrait.disposable) |
		(units.some(({ kind }) => kind === 'parameters') ? PictureTrait.parameters : 0)
	);
}

function syntaxOf(description: Buffer): Syntax {
	const entry = onlyEntry(description);
	const syntax = SYNTAXES[entry.type];
	if (syntax === undefined) throw new UnusualMovie(`the samples are ${entry.type}`);
	const { type, lengthOffset } = syntax.configuration;
	const { content } = requireBox(readBoxes(entry.content.subarray(ENTRY_FIELD_BYTES)), type);
	if ((content.readUInt8(lengthOffset) & 3) + 1 !== LENGTH_BYTES) {
		throw new UnusualMovie('lengths of units do not have four bytes');
	}
	return syntax;
}

/** The sample entry in a whole `stsd` box. */
function onlyEntry(description: Buffer): Box {
	const [box] = readBoxes(description);
	const [entry] = box === undefined ? [] : readBoxes(box.content.subarray(8));
	if (entry === undefined) throw new UnusualMovie('the track has no description');
	return entry;
}

/** ITU-T H.264, 7.3.1 and table 7-1. */
function readH264Unit(header: Buffer): Unit {
	const first = header.readUInt8(0);
	if ((first & 0x80) !== 0) throw new UnusualMovie('a unit of H.264 has a forbidden bit');
	const type = first & 0x1f;
	if (type === 1 || type === 5) {
		return {
			kind: 'slice',
			refresh: type === 5,
			referred: (first & 0x60) !== 0,
			random: type === 5,
			// `first_mb_in_slice` is 0, which is written as a single 1.
			first: (header.readUInt8(1) & 0x80) !== 0,
		};
	}
	// Slices in partitions, which hardly any decoder knows.
	if (type >= 2 && type <= 4) throw new UnusualMovie('slices are in partitions');
	return type === 7 || type === 8 || type === 13 || type === 15 ? PARAMETERS : OTHER;
}

/** ITU-T H.265, 7.3.1.2 and table 7-1. Which pictures nobody refers to depends on layers; none is said to be so here. */
function readHevcUnit(header: Buffer): Unit {
	const first = header.readUInt8(0);
	if ((first & 0x80) !== 0) throw new UnusualMovie('a unit of H.265 has a forbidden bit');
	const type = first >> 1;
	if (type >= 32) return type <= 34 ? PARAMETERS : OTHER;
	return {
		kind: 'slice',
		refresh: type === 19 || type === 20,
		referred: true,
		random: type >= 16 && type <= 21,
		// `first_slice_segment_in_pic_flag`.
		first: (header.readUInt8(2) & 0x80) !== 0,
	};
}
