import type { FileHandle } from 'node:fs/promises';
import { UnusualMovie } from './box.ts';

/** Large enough that a read costs less than looking at what it brings. */
const WINDOW_BYTES = 512 * 1024;

/** A file that is looked at from front to back, a few bytes here and there. */
export class FileWindow {
	readonly #file: FileHandle;
	#bytes = Buffer.alloc(0);
	#offset = 0;

	constructor(file: FileHandle) {
		this.#file = file;
	}

	/** The bytes at a place, if they are here already. */
	peek(offset: number, length: number): Buffer | undefined {
		const start = offset - this.#offset;
		if (start < 0 || start + length > this.#bytes.length) return undefined;
		return this.#bytes.subarray(start, start + length);
	}

	/** Reads on from a place. @throws UnusualMovie when the file ends before `length` bytes. */
	async load(offset: number, length: number): Promise<Buffer> {
		const target = Buffer.allocUnsafe(WINDOW_BYTES);
		const { bytesRead } = await this.#file.read(target, 0, WINDOW_BYTES, offset);
		this.#bytes = target.subarray(0, bytesRead);
		this.#offset = offset;
		const bytes = this.peek(offset, length);
		if (bytes === undefined) throw new UnusualMovie('the file ends too early');
		return bytes;
	}
}
