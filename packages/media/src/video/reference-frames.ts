import { open } from 'node:fs/promises';
import type { Segment } from './extraction-plan.ts';
import type { FrameIndex } from './frame-index.ts';
import type { VideoHeader, VideoSource } from './probe-video.ts';

/** Reads bytes of a file from an offset on; fewer at its end. */
export type ReadBytes = (offset: number, length: number) => Promise<Buffer>;

/** Bytes before each unit that say how long it is. Other sizes are allowed (ISO 14496-15) and hardly ever used. */
const LENGTH_BYTES = 4;
/** Coded slices of an H.264 picture (ITU-T H.264, table 7-1): not an instantaneous refresh, and one. */
const SLICE_TYPES = new Set([1, 5]);
/** Delimiters, parameter sets and messages come before the first slice; more of them are a mistake. */
const MAX_UNITS = 16;

/**
 * Those of the wanted frames that other frames are decoded from, by the first slice header of their packets. A frame that
 * is not found out about is not among them.
 *
 * Only H.264 in MP4 and MOV is looked into; elsewhere the answer is empty. A wrong answer costs time and no frame, since
 * each frame is recognised by its timestamp.
 */
export async function findReferenceFrames(
	{ path, type }: VideoSource,
	{ codec }: VideoHeader,
	{ timestamps, places }: FrameIndex,
	segments: readonly Segment[],
): Promise<ReadonlySet<number>> {
	const references = new Set<number>();
	if (codec !== 'h264' || type.demuxer !== 'mov' || places === undefined) return references;
	const wanted = segments.flatMap((segment) => segment.wanted);
	const frameAt = new Map(wanted.map((frame) => [timestamps[frame], frame]));
	const file = await open(path);
	try {
		const read: ReadBytes = async (offset, length) => {
			const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
			return buffer.subarray(0, bytesRead);
		};
		for (const [packet, timestamp] of places.timestamps.entries()) {
			const frame = frameAt.get(timestamp);
			if (frame !== undefined && (await isReference(read, places.offsets[packet] ?? Number.NaN))) {
				references.add(frame);
			}
		}
	} finally {
		await file.close();
	}
	return references;
}

/** Whether the H.264 picture at this offset says that others refer to it (`nal_ref_idc`, ITU-T H.264, 7.4.1). */
export async function isReference(read: ReadBytes, offset: number): Promise<boolean> {
	let at = offset;
	for (let unit = 0; unit < MAX_UNITS && !Number.isNaN(at); unit += 1) {
		const header = await read(at, LENGTH_BYTES + 1);
		if (header.length <= LENGTH_BYTES) return false;
		const first = header.readUInt8(LENGTH_BYTES);
		if (SLICE_TYPES.has(first & 0x1f)) return (first & 0x60) !== 0;
		at += LENGTH_BYTES + header.readUInt32BE(0);
	}
	return false;
}
