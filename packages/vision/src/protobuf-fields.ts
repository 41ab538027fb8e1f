const VARINT = 0;
const FIXED_64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;

/** A field of a protocol-buffers message: a number, or the range of bytes of its content. */
export interface ProtobufField {
	readonly number: number;
	/** Of a number, the number; of anything else, the length of its content. */
	readonly value: number;
	/** Where the field begins, before its number. */
	readonly key: number;
	readonly start: number;
	readonly end: number;
}

/**
 * The fields of a message of an ONNX file, in their order (https://protobuf.dev/programming-guides/encoding), but for
 * numbers of a fixed width, which ONNX has in attributes only.
 *
 * @throws RangeError when the bytes are no such message, or are cut off.
 */
export function* protobufFields(
	bytes: Buffer,
	start = 0,
	end: number = bytes.length,
): Generator<ProtobufField> {
	for (let at = start; at < end; ) {
		const key = readVarint(bytes, at);
		const number = Math.floor(key.value / 8);
		const content = readVarint(bytes, key.end);
		switch (key.value % 8) {
			case VARINT:
				yield { number, value: content.value, key: at, start: key.end, end: content.end };
				at = content.end;
				break;
			case LENGTH_DELIMITED:
				yield {
					number,
					value: content.value,
					key: at,
					start: content.end,
					end: content.end + content.value,
				};
				at = content.end + content.value;
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
