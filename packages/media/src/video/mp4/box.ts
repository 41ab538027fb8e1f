/** Why Facet leaves a file to ffprobe: it is damaged, or of a shape that is not read here. */
export class UnusualMovie extends Error {
	override readonly name = 'UnusualMovie';
}

/** A box of ISO 14496-12 (4.2) that has been read: `content` is what follows its size and type. */
export interface Box {
	readonly type: string;
	/** Size, type and content. */
	readonly bytes: Buffer;
	readonly content: Buffer;
}

/** More boxes in one place are a mistake: a long film has a few dozen tracks. */
const MAX_BOXES = 1000;

/** Size and type of a box, or those and a size of 64 bits. */
export const BOX_HEADER_BYTES = 8;
export const LONG_BOX_HEADER_BYTES = 16;

/**
 * What a box's first bytes say of it.
 *
 * @param header - 16 bytes, or what is left of them at the end.
 * @param room - bytes up to the end of whatever the box lies in.
 * @throws UnusualMovie when the box does not fit.
 */
export function readBoxHeader(header: Buffer, room: number): { type: string; start: number; size: number } {
	if (header.length < BOX_HEADER_BYTES) throw new UnusualMovie('a box is cut off');
	const type = header.toString('latin1', 4, BOX_HEADER_BYTES);
	const isLong = header.readUInt32BE(0) === 1;
	const start = isLong ? LONG_BOX_HEADER_BYTES : BOX_HEADER_BYTES;
	const size = isLong ? readUInt64(header, BOX_HEADER_BYTES) : header.readUInt32BE(0);
	// Zero means "to the end" and only for the last box of a file, where nobody needs it.
	if (size < start || size > room) throw new UnusualMovie(`a box ${type} has ${size} bytes`);
	return { type, start, size };
}

/** The boxes that fill a buffer. @throws UnusualMovie when they do not fill it exactly. */
export function readBoxes(buffer: Buffer): Box[] {
	const boxes: Box[] = [];
	for (let at = 0; at < buffer.length; ) {
		const rest = buffer.subarray(at);
		// QuickTime may end a list of boxes with a zero.
		if (rest.length === 4 && rest.readUInt32BE(0) === 0) break;
		const { type, start, size } = readBoxHeader(rest.subarray(0, LONG_BOX_HEADER_BYTES), rest.length);
		boxes.push({ type, bytes: rest.subarray(0, size), content: rest.subarray(start, size) });
		if (boxes.length > MAX_BOXES) throw new UnusualMovie('too many boxes');
		at += size;
	}
	return boxes;
}

/** The one box of a type. @throws UnusualMovie when there are several. */
export function findBox(boxes: readonly Box[], type: string): Box | undefined {
	const [found, second] = boxes.filter((box) => box.type === type);
	if (second !== undefined) throw new UnusualMovie(`there are several boxes ${type}`);
	return found;
}

/** As `findBox`. @throws UnusualMovie when there is none. */
export function requireBox(boxes: readonly Box[], type: string): Box {
	const box = findBox(boxes, type);
	if (box === undefined) throw new UnusualMovie(`there is no box ${type}`);
	return box;
}

/** @throws UnusualMovie beyond 2^53, where numbers are no longer exact. */
export function readUInt64(buffer: Buffer, offset: number): number {
	const value = buffer.readUInt32BE(offset) * 2 ** 32 + buffer.readUInt32BE(offset + 4);
	if (!Number.isSafeInteger(value)) throw new UnusualMovie(`a number is too large: ${value}`);
	return value;
}
