/** The wire types of protocol buffers (https://protobuf.dev/programming-guides/encoding). */
const VARINT = 0;
const FIXED_64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;

/** A field of a protocol-buffers message: a number, or the range of bytes of its content. */
export interface Field {
	readonly number: number;
	readonly value: number;
	/** Where the field itself begins, with its key and length. */
	readonly fieldStart: number;
	readonly start: number;
	readonly end: number;
}

/**
 * The fields of a message, as far as ONNX files have them; numbers of fixed width are passed over.
 *
 * @throws RangeError when the bytes are no message, or are cut off.
 */
export function* fieldsOf(bytes: Buffer, start: number, end: number): Generator<Field> {
	for (let at = start; at < end; ) {
		const key = readVarint(bytes, at);
		const field = { number: Math.floor(key.value / 8), fieldStart: at };
		const content = readVarint(bytes, key.end);
		switch (key.value % 8) {
			case VARINT:
				yield { ...field, value: content.value, start: key.end, end: content.end };
				at = content.end;
				break;
			case LENGTH_DELIMITED:
				at = content.end + content.value;
				yield { ...field, value: content.value, start: content.end, end: at };
				break;
			case FIXED_64:
				at = key.end + 8;
				break;
			case FIXED_32:
				at = key.end + 4;
				break;
			default:
				throw new RangeError(`Expected an ONNX file but received wire type ${key.value % 8} at byte ${at}`);
		}
	}
}

/** A field that holds bytes: text, or a message. */
export function bytesField(number: number, content: Uint8Array): Buffer {
	return Buffer.concat([varint(8 * number + LENGTH_DELIMITED), varint(content.length), content]);
}

/** A field that holds a whole number from 0 on. */
export function numberField(number: number, value: number): Buffer {
	return Buffer.concat([varint(8 * number + VARINT), varint(value)]);
}

/** Exact up to 2^53; longer ones (negative numbers) lose their last digits, and no field read here has them. */
function readVarint(bytes: Buffer, start: number): { value: number; end: number } {
	let value = 0;
	for (let end = start, factor = 1; end < start + 10; end++, factor *= 128) {
		const byte = bytes.readUInt8(end);
		value += (byte & 0x7f) * factor;
		if (byte < 0x80) return { value, end: end + 1 };
	}
	throw new RangeError(`Expected an ONNX file but received a number of more than 10 bytes at byte ${start}`);
}

function varint(value: number): Buffer {
	const bytes: number[] = [];
	let rest = value;
	for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
	return Buffer.from([...bytes, rest]);
}
