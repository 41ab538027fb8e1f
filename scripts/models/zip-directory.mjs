import { Failure } from '../failure.mjs';

/**
 * One file in a zip.
 *
 * @typedef {object} ZipEntry
 * @property {string} name
 * @property {number} method 0 stored, 8 deflated.
 * @property {number} compressedBytes
 * @property {number} bytes
 * @property {number} headerOffset Where its local header begins.
 */

/**
 * Reads `length` bytes from `start` on.
 *
 * @typedef {(start: number, length: number) => Promise<Buffer>} ReadRange
 */

const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const END_BYTES = 22;
const LOCAL_BYTES = 30;
/** The end record may be followed by a comment of up to 65,535 bytes. */
const MOST_END_BYTES = END_BYTES + 0xffff;
/** What a field of a zip64 archive holds where the true number does not fit. */
const TOO_LARGE = 0xffffffff;

/**
 * Finds one file in a zip by its central directory, which is at the end (APPNOTE.TXT 6.3.10, sections 4.3.12 and
 * 4.3.16), so that a far archive need not be read in whole.
 *
 * @param {ReadRange} read
 * @param {number} size Of the whole zip, in bytes.
 * @param {string} wanted Path in the zip; the name alone does too, where just one file has it.
 * @returns {Promise<ZipEntry>}
 * @throws {Failure} When there is no such file, or the bytes are no zip; names the files that there are.
 */
export async function findZipEntry(read, size, wanted) {
	const entries = await readDirectory(read, size);
	const named = entries.filter(({ name }) => name.split('/').at(-1) === wanted.split('/').at(-1));
	const entry = entries.find(({ name }) => name === wanted) ?? (named.length === 1 ? named[0] : undefined);
	if (!entry) {
		throw new Failure(
			`The zip has no ${wanted}, or several; it has ${entries.map(({ name }) => name).join(', ')}`,
		);
	}
	if (entry.compressedBytes === TOO_LARGE || entry.headerOffset === TOO_LARGE) {
		throw new Failure(`Expected a zip of less than 4 GB; ${wanted} is in a zip64 archive`);
	}
	return entry;
}

/**
 * Where the compressed bytes of a file begin: its local header has fields of its own length before them.
 *
 * @param {ReadRange} read
 * @param {ZipEntry} entry
 */
export async function dataOffset(read, { name, headerOffset }) {
	const header = await read(headerOffset, LOCAL_BYTES);
	if (header.length < LOCAL_BYTES || header.readUInt32LE(0) !== LOCAL_SIGNATURE) {
		throw new Failure(`The zip is damaged: no header where ${name} should begin`);
	}
	return headerOffset + LOCAL_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
}

/**
 * @param {ReadRange} read
 * @param {number} size
 */
async function readDirectory(read, size) {
	const tailLength = Math.min(size, MOST_END_BYTES);
	const tail = await read(size - tailLength, tailLength);
	let at = tail.length - END_BYTES;
	while (at >= 0 && tail.readUInt32LE(at) !== END_SIGNATURE) at--;
	if (at < 0) throw new Failure('Expected a zip, but its end is not that of one');
	const count = tail.readUInt16LE(at + 10);
	const length = tail.readUInt32LE(at + 12);
	const start = tail.readUInt32LE(at + 16);
	if (start + length > size) throw new Failure('The zip is damaged: its directory reaches beyond its end');
	// Mostly it is in the tail already, which saves a request.
	const inTail = start - (size - tail.length);
	const directory = inTail >= 0 ? tail.subarray(inTail, inTail + length) : await read(start, length);
	return parseDirectory(directory, count);
}

/**
 * @param {Buffer} directory
 * @param {number} count
 * @returns {ZipEntry[]}
 */
function parseDirectory(directory, count) {
	const entries = [];
	for (let at = 0, index = 0; index < count; index++) {
		if (at + 46 > directory.length || directory.readUInt32LE(at) !== ENTRY_SIGNATURE) {
			throw new Failure(`The zip is damaged: its directory has ${index} of ${count} entries`);
		}
		const nameLength = directory.readUInt16LE(at + 28);
		entries.push({
			name: directory.toString('utf8', at + 46, at + 46 + nameLength),
			method: directory.readUInt16LE(at + 10),
			compressedBytes: directory.readUInt32LE(at + 20),
			bytes: directory.readUInt32LE(at + 24),
			headerOffset: directory.readUInt32LE(at + 42),
		});
		at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
	}
	return entries;
}
