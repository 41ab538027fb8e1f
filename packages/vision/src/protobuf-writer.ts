/** Writes the fields of protocol-buffers messages (https://protobuf.dev/programming-guides/encoding). */

/** A whole number from 0 to 2^53. */
export function protobufNumber(field: number, value: number): Buffer {
	return Buffer.concat([varint(field * 8), varint(value)]);
}

/** A string, in UTF-8. */
export function protobufText(field: number, value: string): Buffer {
	return protobufMessage(field, [Buffer.from(value)]);
}

/** A message or bytes, of these parts one after the other. */
export function protobufMessage(field: number, parts: readonly Buffer[]): Buffer {
	const content = Buffer.concat(parts);
	return Buffer.concat([varint(field * 8 + 2), varint(content.length), content]);
}

function varint(value: number): Buffer {
	const bytes: number[] = [];
	for (let rest = value; ; rest = Math.floor(rest / 128)) {
		if (rest < 128) return Buffer.from([...bytes, rest]);
		bytes.push((rest % 128) + 128);
	}
}
