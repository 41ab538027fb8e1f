import type { Size } from '@facet/contracts';

/** What a JPEG's header says of its pixels, as they are stored. */
export interface JpegHeader extends Size {
	/** EXIF orientation, 1 to 8; 1 where there is none. */
	readonly orientation: number;
	/** The ICC profile: a view of the bytes that were read. */
	readonly icc: Buffer | undefined;
}

const SEGMENT_HEADER_BYTES = 4;
const MARKER = {
	start: 0xd8,
	/** APP1. */
	exif: 0xe1,
	/** APP2. */
	icc: 0xe2,
} as const;
/** Baseline, extended and progressive, all of them by Huffman's codes: what libjpeg reads. */
const FRAMES: readonly number[] = [0xc0, 0xc1, 0xc2];
/** Segments that say nothing of a picture's size: tables (DQT, DHT, DRI), APPn and comments. */
const OTHERS: readonly number[] = [
	...[0xdb, 0xc4, 0xdd, 0xfe],
	...Array.from({ length: 16 }, (_, index) => 0xe0 + index),
];
const EXIF_SIGNATURE = 'Exif\0\0';
/** The first chunk of one. */
const WHOLE_PROFILE = 'ICC_PROFILE\0\x01\x01';

/**
 * Reads the header of an ordinary JPEG, in some microseconds. libvips takes a millisecond for it, a twentieth of what the
 * whole picture costs.
 *
 * Only of files without anything odd: no two profiles or EXIF blocks, no arithmetic coding, no twelve bits, no CMYK, no
 * EXIF that has to be guessed at. Of all others libvips is the judge.
 *
 * ITU-T T.81, B.1 and B.2 (segments and frames); ICC.1:2022, B.4; CIPA DC-008 (EXIF), 4.5 and 4.6.
 *
 * @param head - the file's beginning.
 * @returns undefined where the head is not enough, or is not that of an ordinary JPEG.
 */
export function readJpegHeader(head: Buffer): JpegHeader | undefined {
	let orientation: number | undefined;
	let icc: Buffer | undefined;
	if (head.length < 2 || head.readUInt16BE(0) !== (0xff00 | MARKER.start)) return undefined;
	for (let at = 2; at + SEGMENT_HEADER_BYTES <= head.length; ) {
		const marker = head.readUInt8(at + 1);
		const end = at + 2 + head.readUInt16BE(at + 2);
		if (head.readUInt8(at) !== 0xff || end > head.length) return undefined;
		const segment = head.subarray(at + SEGMENT_HEADER_BYTES, end);
		if (FRAMES.includes(marker)) {
			const size = readFrameSize(segment);
			return size && { ...size, orientation: orientation ?? 1, icc };
		}
		if (!OTHERS.includes(marker)) return undefined;
		if (marker === MARKER.exif && startsWith(segment, 'Exif')) {
			// Of two, libraries differ in which one counts.
			if (orientation !== undefined) return undefined;
			orientation = readOrientation(segment);
			if (orientation === undefined) return undefined;
		}
		if (marker === MARKER.icc && startsWith(segment, 'ICC_PROFILE')) {
			if (icc !== undefined || !startsWith(segment, WHOLE_PROFILE)) return undefined;
			icc = segment.subarray(WHOLE_PROFILE.length);
		}
		at = end;
	}
	return undefined;
}

function startsWith(bytes: Buffer, text: string): boolean {
	return bytes.toString('latin1', 0, text.length) === text;
}

function readFrameSize(frame: Buffer): Size | undefined {
	if (frame.length < 6) return undefined;
	const bits = frame.readUInt8(0);
	const height = frame.readUInt16BE(1);
	const width = frame.readUInt16BE(3);
	const components = frame.readUInt8(5);
	if (bits !== 8 || width === 0 || height === 0 || (components !== 1 && components !== 3)) return undefined;
	return frame.length === 6 + 3 * components ? { width, height } : undefined;
}

const IFD_ENTRY_BYTES = 12;
const ORIENTATION_TAG = 0x0112;
const SHORT = 3;

/** @returns 1 where the first directory has none; undefined where it has two, or a faulty one, or cannot be read. */
function readOrientation(segment: Buffer): number | undefined {
	if (!startsWith(segment, EXIF_SIGNATURE)) return undefined;
	const tiff = segment.subarray(EXIF_SIGNATURE.length);
	if (tiff.length < 10) return undefined;
	const order = tiff.toString('latin1', 0, 2);
	if (order !== 'II' && order !== 'MM') return undefined;
	const uint16 = (at: number) => (order === 'II' ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
	const uint32 = (at: number) => (order === 'II' ? tiff.readUInt32LE(at) : tiff.readUInt32BE(at));
	const directory = uint32(4);
	if (uint16(2) !== 42 || directory < 8 || directory + 2 > tiff.length) return undefined;
	const entries = directory + 2;
	const end = entries + uint16(directory) * IFD_ENTRY_BYTES;
	if (end > tiff.length) return undefined;
	let orientation: number | undefined;
	for (let entry = entries; entry < end; entry += IFD_ENTRY_BYTES) {
		if (uint16(entry) !== ORIENTATION_TAG) continue;
		const value = uint16(entry + 8);
		const isSound = uint16(entry + 2) === SHORT && uint32(entry + 4) === 1 && value >= 1 && value <= 8;
		if (!isSound || orientation !== undefined) return undefined;
		orientation = value;
	}
	return orientation ?? 1;
}
