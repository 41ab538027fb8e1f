import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';
import { Failure } from '../failure.mjs';
import { dataOffset, findZipEntry } from './zip-directory.mjs';

/** @typedef {import('./zip-directory.mjs').ZipEntry} ZipEntry */

/**
 * Takes one file out of a zip on the disk.
 *
 * @param {string} zip
 * @param {string} wanted As for `findZipEntry`.
 * @param {string} destination
 * @param {number} bytes The file's length; a zip that says otherwise, or lies about it, is refused.
 */
export async function extractZipEntry(zip, wanted, destination, bytes) {
	const file = await open(zip);
	try {
		/** @type {import('./zip-directory.mjs').ReadRange} */
		const read = async (start, length) => {
			const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start);
			return buffer.subarray(0, bytesRead);
		};
		const entry = await findZipEntry(read, (await file.stat()).size, wanted);
		const start = await dataOffset(read, entry);
		await unpack(entry, zip, { start, end: start + entry.compressedBytes - 1 }, destination, bytes);
	} finally {
		await file.close();
	}
}

/**
 * Unpacks the bytes of one file of a zip.
 *
 * @param {ZipEntry} entry
 * @param {string} packed A file that holds them.
 * @param {{ start?: number, end?: number }} range Where they are in it, `end` inclusive.
 * @param {string} destination
 * @param {number} bytes
 */
export async function unpack(entry, packed, range, destination, bytes) {
	if (entry.bytes !== bytes) {
		throw new Failure(`Expected ${entry.name} to have ${bytes} bytes, but the zip says ${entry.bytes}`);
	}
	let written = 0;
	// A zip may say one length and inflate to another.
	const limited = async function* (/** @type {AsyncIterable<Uint8Array>} */ chunks) {
		for await (const chunk of chunks) {
			written += chunk.length;
			if (written > bytes) throw new Failure(`${entry.name} is longer than the ${bytes} bytes expected`);
			yield chunk;
		}
	};
	const source = createReadStream(packed, range);
	const target = createWriteStream(destination);
	try {
		if (entry.method === 0) await pipeline(source, limited, target);
		else if (entry.method === 8) await pipeline(source, createInflateRaw(), limited, target);
		else throw new Failure(`${entry.name} is packed by method ${entry.method}; expected 0 or 8`);
	} catch (cause) {
		if (cause instanceof Failure) throw cause;
		throw new Failure(`Cannot unpack ${entry.name}: ${/** @type {Error} */ (cause).message}`, { cause });
	}
}
