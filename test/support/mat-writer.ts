import { deflateSync } from 'node:zlib';

/** What a MAT-file of a test holds: rows of numbers, text, or cells. */
export type MatContent = readonly (readonly number[])[] | string | { readonly cells: readonly MatContent[] };

/** A MAT-file of level 5 with these variables, as MATLAB writes it. */
export function matFile(variables: Readonly<Record<string, MatContent>>, compressed: boolean): Buffer {
	const header = Buffer.alloc(128, ' ');
	header.writeUInt16LE(0x0100, 124);
	header.write('IM', 126);
	const matrices = Object.entries(variables).map(([name, content]) => matrix(name, content));
	if (!compressed) return Buffer.concat([header, ...matrices]);
	// Compressed elements are not padded to eight bytes.
	const packed = matrices.map((bytes) => {
		const data = deflateSync(bytes);
		return Buffer.concat([tag(15, data.length), data]);
	});
	return Buffer.concat([header, ...packed]);
}

function matrix(name: string, content: MatContent): Buffer {
	const { arrayClass, dimensions, body } = describe(content);
	const flags = Buffer.alloc(8);
	flags.writeUInt8(arrayClass, 0);
	const sizes = Buffer.alloc(8);
	for (const [index, size] of dimensions.entries()) sizes.writeInt32LE(size, 4 * index);
	const data = Buffer.concat([element(6, flags), element(5, sizes), element(1, Buffer.from(name)), body]);
	return Buffer.concat([tag(14, data.length), data]);
}

function describe(content: MatContent): { arrayClass: number; dimensions: [number, number]; body: Buffer } {
	if (typeof content === 'string') {
		const codes = Buffer.from(content, 'utf16le');
		return { arrayClass: 4, dimensions: [1, content.length], body: element(4, codes) };
	}
	if ('cells' in content) {
		const body = Buffer.concat(content.cells.map((cell) => matrix('', cell)));
		return { arrayClass: 1, dimensions: [content.cells.length, 1], body };
	}
	const columns = content[0]?.length ?? 0;
	const values = Array.from({ length: columns }, (_, column) =>
		content.map((row) => row[column] ?? 0),
	).flat();
	// MATLAB stores doubles as the smallest type that holds them all; small elements go into their tag.
	const isWhole = values.every((value) => Number.isInteger(value) && value >= 0 && value < 65_536);
	const data = Buffer.alloc(values.length * (isWhole ? 2 : 8));
	for (const [index, value] of values.entries()) {
		if (isWhole) data.writeUInt16LE(value, 2 * index);
		else data.writeDoubleLE(value, 8 * index);
	}
	return { arrayClass: 6, dimensions: [content.length, columns], body: element(isWhole ? 4 : 9, data) };
}

function element(type: number, data: Buffer): Buffer {
	if (data.length > 0 && data.length <= 4) {
		const small = Buffer.alloc(8);
		small.writeUInt16LE(type, 0);
		small.writeUInt16LE(data.length, 2);
		data.copy(small, 4);
		return small;
	}
	return Buffer.concat([tag(type, data.length), data, Buffer.alloc((8 - (data.length % 8)) % 8)]);
}

function tag(type: number, bytes: number): Buffer {
	const head = Buffer.alloc(8);
	head.writeUInt32LE(type, 0);
	head.writeUInt32LE(bytes, 4);
	return head;
}
