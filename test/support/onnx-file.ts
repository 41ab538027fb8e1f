/**
 * Writes ONNX files (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), with as much of the format as a network
 * of a test needs. Field numbers are those of that file.
 */

const FLOAT = 1;
const INT64 = 7;
const ATTRIBUTE_INTS = 7;

export interface OnnxTensor {
	readonly name: string;
	readonly shape: readonly number[];
	readonly data: Float32Array | BigInt64Array;
}

/** An input or an output; a dimension that is left open has a name instead of a number. */
export interface OnnxValue {
	readonly name: string;
	readonly shape: readonly (number | string)[];
}

export interface OnnxNode {
	readonly operator: string;
	readonly inputs: readonly string[];
	readonly outputs: readonly string[];
	readonly attributes?: Readonly<Record<string, readonly number[]>>;
}

export interface OnnxGraph {
	readonly inputs: readonly OnnxValue[];
	readonly outputs: readonly OnnxValue[];
	readonly nodes: readonly OnnxNode[];
	readonly initializers: readonly OnnxTensor[];
}

/** The bytes of an ONNX file (IR version 8, operator set 13). */
export function writeOnnx({ inputs, outputs, nodes, initializers }: OnnxGraph): Buffer {
	const graph = [
		...nodes.map((node) => message(1, writeNode(node))),
		text(2, 'test'),
		...initializers.map((tensor) => message(5, writeTensor(tensor))),
		...inputs.map((value) => message(11, writeValue(value))),
		...outputs.map((value) => message(12, writeValue(value))),
	];
	const operatorSet = [text(1, ''), number(2, 13)];
	return Buffer.concat([number(1, 8), message(7, graph), message(8, operatorSet)]);
}

function writeNode({ operator, inputs, outputs, attributes = {} }: OnnxNode): Buffer[] {
	return [
		...inputs.map((name) => text(1, name)),
		...outputs.map((name) => text(2, name)),
		text(4, operator),
		...Object.entries(attributes).map(([name, values]) =>
			message(5, [text(1, name), ...values.map((value) => number(8, value)), number(20, ATTRIBUTE_INTS)]),
		),
	];
}

function writeTensor({ name, shape, data }: OnnxTensor): Buffer[] {
	return [
		...shape.map((extent) => number(1, extent)),
		number(2, data instanceof Float32Array ? FLOAT : INT64),
		text(8, name),
		message(9, [Buffer.from(data.buffer, data.byteOffset, data.byteLength)]),
	];
}

function writeValue({ name, shape }: OnnxValue): Buffer[] {
	const dimensions = shape.map((extent) =>
		message(1, [typeof extent === 'number' ? number(1, extent) : text(2, extent)]),
	);
	const tensorType = [number(1, FLOAT), message(2, dimensions)];
	return [text(1, name), message(2, [message(1, tensorType)])];
}

function number(field: number, value: number): Buffer {
	return Buffer.concat([varint(field * 8), varint(value)]);
}

function text(field: number, value: string): Buffer {
	return message(field, [Buffer.from(value)]);
}

function message(field: number, parts: readonly Buffer[]): Buffer {
	const content = Buffer.concat(parts);
	return Buffer.concat([varint(field * 8 + 2), varint(content.length), content]);
}

/** A whole number from 0 to 2^53. */
function varint(value: number): Buffer {
	const bytes: number[] = [];
	for (let rest = value; ; rest = Math.floor(rest / 128)) {
		if (rest < 128) return Buffer.from([...bytes, rest]);
		bytes.push((rest % 128) + 128);
	}
}
