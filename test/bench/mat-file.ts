import { inflateSync } from 'node:zlib';

/**
 * Reads MATLAB's level 5 MAT-files as far as ground truth needs: cells of cells, text and numbers, compressed or not,
 * little-endian. "MAT-File Format", The MathWorks, R2023b, chapter 1.
 */

/** A value of a MAT-file: numbers in column order, text, or cells in column order. */
export type MatValue =
	| { readonly kind: 'numbers'; readonly dimensions: readonly number[]; readonly values: readonly number[] }
	| { readonly kind: 'text'; readonly text: string }
	| { readonly kind: 'cells'; readonly cells: readonly MatValue[] };

const HEADER_BYTES = 128;
/** Ground truth has cells of cells; what goes much deeper is damaged. */
const MAX_DEPTH = 20;
/** All of WIDER FACE has 3 MB. */
const MAX_INFLATED_BYTES = 256 * 1024 * 1024;

/** Data types of elements. */
const COMPRESSED = 15;
const MATRIX = 14;
const READERS: ReadonlyMap<number, { bytes: number; read: (data: Buffer, at: number) => number }> = new Map([
	[1, { bytes: 1, read: (data, at) => data.readInt8(at) }],
	[2, { bytes: 1, read: (data, at) => data.readUInt8(at) }],
	[3, { bytes: 2, read: (data, at) => data.readInt16LE(at) }],
	[4, { bytes: 2, read: (data, at) => data.readUInt16LE(at) }],
	[5, { bytes: 4, read: (data, at) => data.readInt32LE(at) }],
	[6, { bytes: 4, read: (data, at) => data.readUInt32LE(at) }],
	[7, { bytes: 4, read: (data, at) => data.readFloatLE(at) }],
	[9, { bytes: 8, read: (data, at) => data.readDoubleLE(at) }],
	[12, { bytes: 8, read: (data, at) => Number(data.readBigInt64LE(at)) }],
	[13, { bytes: 8, read: (data, at) => Number(data.readBigUInt64LE(at)) }],
	// Text in UTF-8 and UTF-16.
	[16, { bytes: 1, read: (data, at) => data.readUInt8(at) }],
	[17, { bytes: 2, read: (data, at) => data.readUInt16LE(at) }],
]);

/** Array classes. */
const CELL = 1;
const CHAR = 4;
const FIRST_NUMERIC = 6;
const LAST_NUMERIC = 15;

interface Element {
	readonly type: number;
	readonly data: Buffer;
	/** Where the next element begins. */
	readonly next: number;
}

/**
 * The variables of a MAT-file by their names.
 *
 * @throws Error when the file is of another version or byte order, or has values of a class that is not read.
 */
export function readMatFile(file: Buffer): ReadonlyMap<string, MatValue> {
	if (file.length < HEADER_BYTES || file.toString('latin1', 126, 128) !== 'IM') {
		throw new Error('Expected a little-endian MAT-file of level 5 (MATLAB 5 to 7)');
	}
	const variables = new Map<string, MatValue>();
	for (let at = HEADER_BYTES; at + 8 <= file.length; ) {
		const element = elementAt(file, at);
		const matrix =
			element.type === COMPRESSED
				? elementAt(inflateSync(element.data, { maxOutputLength: MAX_INFLATED_BYTES }), 0)
				: element;
		const { name, value } = readMatrix(matrix, 0);
		variables.set(name, value);
		// Compressed elements are the only ones that are not padded.
		at = element.next;
	}
	return variables;
}

function elementAt(data: Buffer, at: number): Element {
	const first = data.readUInt32LE(at);
	const smallBytes = first >>> 16;
	// Up to four bytes fit into the tag itself.
	if (smallBytes > 0) {
		return { type: first & 0xffff, data: data.subarray(at + 4, at + 4 + smallBytes), next: at + 8 };
	}
	const bytes = data.readUInt32LE(at + 4);
	const end = at + 8 + bytes;
	if (end > data.length) throw new Error(`Expected ${bytes} bytes at ${at} of a MAT-file, but it ends`);
	return {
		type: first,
		data: data.subarray(at + 8, end),
		next: first === COMPRESSED ? end : Math.ceil(end / 8) * 8,
	};
}

function readMatrix({ type, data }: Element, depth: number): { name: string; value: MatValue } {
	if (type !== MATRIX)
		throw new Error(`Expected a matrix in a MAT-file but received an element of type ${type}`);
	// MATLAB writes an empty cell as a matrix of no bytes.
	if (data.length === 0) return { name: '', value: { kind: 'numbers', dimensions: [0, 0], values: [] } };
	const flags = elementAt(data, 0);
	const dimensions = elementAt(data, flags.next);
	const name = elementAt(data, dimensions.next);
	const arrayClass = flags.data.readUInt8(0);
	const sizes = numbersOf(dimensions);
	return {
		name: name.data.toString('latin1'),
		value: readContent(arrayClass, sizes, data.subarray(name.next), depth),
	};
}

function readContent(
	arrayClass: number,
	dimensions: readonly number[],
	data: Buffer,
	depth: number,
): MatValue {
	if (arrayClass === CELL) {
		if (depth === MAX_DEPTH) throw new Error('Expected cells of cells in a MAT-file, these have no end');
		const cells: MatValue[] = [];
		const count = dimensions.reduce((product, size) => product * size, 1);
		for (let at = 0; cells.length < count; ) {
			const element = elementAt(data, at);
			cells.push(readMatrix(element, depth + 1).value);
			at = element.next;
		}
		return { kind: 'cells', cells };
	}
	if (arrayClass === CHAR) {
		const codes = data.length > 0 ? numbersOf(elementAt(data, 0)) : [];
		return { kind: 'text', text: codes.map((code) => String.fromCharCode(code)).join('') };
	}
	if (arrayClass >= FIRST_NUMERIC && arrayClass <= LAST_NUMERIC) {
		return {
			kind: 'numbers',
			dimensions,
			values: data.length > 0 ? numbersOf(elementAt(data, 0)) : [],
		};
	}
	throw new Error(
		`Expected cells, text or numbers in a MAT-file but received an array of class ${arrayClass}`,
	);
}

function numbersOf({ type, data }: Element): number[] {
	const reader = READERS.get(type);
	if (reader === undefined) throw new Error(`Expected numbers in a MAT-file but received type ${type}`);
	const { bytes, read } = reader;
	return Array.from({ length: Math.floor(data.length / bytes) }, (_, index) => read(data, index * bytes));
}
