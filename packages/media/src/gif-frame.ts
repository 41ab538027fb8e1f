import { closeSync, openSync, readSync } from 'node:fs';

const CHUNK_BYTES = 64 * 1024;
/** Signature, version, and the size, flags, background and aspect of the screen. */
const HEADER_BYTES = 13;
const FRAME_HEADER_BYTES = 9;
const FRAME = 0x2c;
const EXTENSION = 0x21;
const MOST_CODES = 4096;

/**
 * Whether a GIF has data for so much of its first frame. libvips does not tell: pixels that the data do not reach stay clear.
 *
 * Nothing is decoded: the pixels that codes stand for are counted (GIF89a specification, appendix F).
 *
 * @param source - a GIF that libvips has decoded: its path, or its bytes.
 * @param share - of the frame's pixels, 0 to 1.
 */
export function hasFirstFrame(source: string | Buffer, share: number): boolean {
	const reader = new ByteReader(source);
	try {
		const frame = findFrame(reader);
		if (frame === undefined) return false;
		const enough = frame.width * frame.height * share;
		const counter = new PixelCounter(frame.codeBits);
		for (const block of subBlocks(reader)) {
			counter.read(block);
			if (counter.isOver || counter.pixels >= enough) break;
		}
		return counter.pixels >= enough;
	} finally {
		reader.close();
	}
}

interface FrameHeader {
	readonly width: number;
	readonly height: number;
	/** Bits of a pixel, from which the size of codes follows. */
	readonly codeBits: number;
}

/** Reads up to the data of the first frame; undefined where there is none. */
function findFrame(reader: ByteReader): FrameHeader | undefined {
	const header = reader.take(HEADER_BYTES);
	if (header === undefined) return undefined;
	reader.take(colourTableBytes(header.readUInt8(10)));
	for (;;) {
		switch (reader.take(1)?.readUInt8()) {
			case EXTENSION: {
				reader.take(1);
				for (const _ of subBlocks(reader));
				break;
			}
			case FRAME: {
				const frame = reader.take(FRAME_HEADER_BYTES);
				if (frame === undefined) return undefined;
				reader.take(colourTableBytes(frame.readUInt8(8)));
				const codeBits = reader.take(1)?.readUInt8();
				// More than a byte's are none that a decoder takes.
				if (codeBits === undefined || codeBits > 8) return undefined;
				return { width: frame.readUInt16LE(4), height: frame.readUInt16LE(6), codeBits };
			}
			default:
				return undefined;
		}
	}
}

function colourTableBytes(flags: number): number {
	return flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0;
}

/** Blocks of up to 255 bytes, each after its length, up to an empty one or the end of the file. */
function* subBlocks(reader: ByteReader): Generator<Buffer, void> {
	for (;;) {
		const length = reader.take(1)?.readUInt8() ?? 0;
		const block = length === 0 ? undefined : reader.take(length);
		if (block === undefined) return;
		yield block;
	}
}

/** Counts the pixels of LZW codes by the lengths of what they stand for. */
class PixelCounter {
	readonly #clear: number;
	/** By code; those below `#clear` stand for one pixel. */
	readonly #lengths = new Uint32Array(MOST_CODES).fill(1);
	readonly #firstBits: number;
	#bits: number;
	#next: number;
	/** Length of what the code before stood for; 0 after a clear code. */
	#before = 0;
	#held = 0;
	#heldBits = 0;

	pixels = 0;
	/** No code comes after this one: it says so, or it is none. */
	isOver = false;

	constructor(codeBits: number) {
		this.#clear = 1 << codeBits;
		this.#firstBits = codeBits + 1;
		this.#bits = this.#firstBits;
		this.#next = this.#clear + 2;
	}

	read(bytes: Uint8Array): void {
		for (const byte of bytes) {
			this.#held |= byte << this.#heldBits;
			this.#heldBits += 8;
			while (this.#heldBits >= this.#bits && !this.isOver) {
				const code = this.#held & ((1 << this.#bits) - 1);
				this.#held >>>= this.#bits;
				this.#heldBits -= this.#bits;
				this.#take(code);
			}
		}
	}

	#take(code: number): void {
		if (code === this.#clear) {
			this.#bits = this.#firstBits;
			this.#next = this.#clear + 2;
			this.#before = 0;
			return;
		}
		const isKnown = code < this.#clear || (code > this.#clear + 1 && code < this.#next);
		// A code may stand for what it is itself the end of.
		const isNext = code === this.#next && this.#before > 0;
		if (!isKnown && !isNext) {
			this.isOver = true;
			return;
		}
		const length = isKnown ? (this.#lengths[code] ?? 1) : this.#before + 1;
		if (this.#before > 0 && this.#next < MOST_CODES) {
			this.#lengths[this.#next] = this.#before + 1;
			this.#next += 1;
			if (this.#next === 1 << this.#bits && this.#next < MOST_CODES) this.#bits += 1;
		}
		this.#before = length;
		this.pixels += length;
	}
}

/** Reads a file from its beginning. Not asynchronously: it was read a moment ago, to be decoded. */
class ByteReader {
	readonly #file: number | undefined;
	#bytes: Buffer;
	#at = 0;

	constructor(source: string | Buffer) {
		this.#file = typeof source === 'string' ? openSync(source, 'r') : undefined;
		this.#bytes = typeof source === 'string' ? Buffer.alloc(0) : source;
	}

	/** The next so many bytes; undefined, and all the rest is gone, where the file ends before. */
	take(count: number): Buffer | undefined {
		if (this.#at + count > this.#bytes.length) this.#readOn();
		const taken = this.#bytes.subarray(this.#at, this.#at + count);
		this.#at += count;
		return taken.length === count ? taken : undefined;
	}

	close(): void {
		if (this.#file !== undefined) closeSync(this.#file);
	}

	#readOn(): void {
		if (this.#file === undefined) return;
		const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
		const read = readSync(this.#file, chunk, 0, CHUNK_BYTES, null);
		this.#bytes = Buffer.concat([this.#bytes.subarray(this.#at), chunk.subarray(0, read)]);
		this.#at = 0;
	}
}
