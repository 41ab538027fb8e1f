import type { FileHandle } from 'node:fs/promises';
import { LONG_BOX_HEADER_BYTES, readBoxHeader, UnusualMovie } from './box.ts';

/** Four hours at 60 frames a second take 15 MB. */
const MAX_MOVIE_BYTES = 64 * 1024 * 1024;

/** A whole file has a handful of boxes; more are fragments. */
const MAX_TOP_BOXES = 100;

/**
 * Reads the `moov` box of a file, and makes sure that the file is whole: its boxes fill it exactly.
 *
 * @returns the content of the box.
 * @throws UnusualMovie when it is not whole, is in fragments, or has no one `moov`.
 */
export async function readMovieBox(file: FileHandle, fileBytes: number): Promise<Buffer> {
	let movie: { offset: number; length: number } | undefined;
	let boxes = 0;
	for (let at = 0; at < fileBytes; boxes += 1) {
		const { type, start, size } = readBoxHeader(
			await readAt(file, at, Math.min(LONG_BOX_HEADER_BYTES, fileBytes - at)),
			fileBytes - at,
		);
		if (type === 'moof' || boxes === MAX_TOP_BOXES) throw new UnusualMovie('the file is in fragments');
		if (type === 'moov') {
			if (movie !== undefined) throw new UnusualMovie('there are several boxes moov');
			movie = { offset: at + start, length: size - start };
		}
		at += size;
	}
	if (movie === undefined) throw new UnusualMovie('there is no box moov');
	if (movie.length > MAX_MOVIE_BYTES) throw new UnusualMovie(`the box moov has ${movie.length} bytes`);
	return readAt(file, movie.offset, movie.length);
}

/** @throws UnusualMovie when the file has become shorter. */
async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
	const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, offset);
	if (bytesRead < length) throw new UnusualMovie('the file ends too early');
	return buffer;
}
