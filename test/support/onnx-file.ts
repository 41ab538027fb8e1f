import { protobufMessage as message, protobufNumber as number, protobufText as text } from '@facet/vision';

/**
 * Writes ONNX files (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), with as much of the format as a network
 * of a test needs. Field numbers are those of that file.
 */

const FLOAT = 1;
const UINT8 = 2;
const INT8 = 3;
const INT32 = 6;
const INT64 = 7;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_INTS = 7;

type TensorData = Float32Array | Uint8Array | Int8Array | Int32Array | BigInt64Array;

export interface OnnxTensor {
	readonly name: string;
	readonly shape: readonly number[];
	readonly data: TensorData;
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
	/** A number or a list of numbers each. */
	readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
	/** Of the operator; ONNX's own when it is not given. */
	readonly domain?: string;
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

/** A node of a graph, as the content of its field. */
export function writeNode({ operator, inputs, outputs, attributes = {}, domain = '' }: OnnxNode): Buffer[] {
	return [
		...inputs.map((name) => text(1, name)),
		...outputs.map((name) => text(2, name)),
		text(4, operator),
		...Object.entries(attributes).map(([name, value]) => message(5, writeAttribute(name, value))),
		...(domain === '' ? [] : [text(7, domain)]),
	];
}

function writeAttribute(name: string, value: number | readonly number[]): Buffer[] {
	return typeof value === 'number'
		? [text(1, name), number(3, value), number(20, ATTRIBUTE_INT)]
		: [text(1, name), ...value.map((each) => number(8, each)), number(20, ATTRIBUTE_INTS)];
}

/** A tensor of a graph, as the content of its field. */
export function writeTensor({ name, shape, data }: OnnxTensor): Buffer[] {
	return [
		...shape.map((extent) => number(1, extent)),
		number(2, elementType(data)),
		text(8, name),
		message(9, [Buffer.from(data.buffer, data.byteOffset, data.byteLength)]),
	];
}

function elementType(data: TensorData): number {
	if (data instanceof Float32Array) return FLOAT;
	if (data instanceof Uint8Array) return UINT8;
	if (data instanceof Int8Array) return INT8;
	return data instanceof Int32Array ? INT32 : INT64;
}

function writeValue({ name, shape }: OnnxValue): Buffer[] {
	const dimensions = shape.map((extent) =>
		message(1, [typeof extent === 'number' ? number(1, extent) : text(2, extent)]),
	);
	const tensorType = [number(1, FLOAT), message(2, dimensions)];
	return [text(1, name), message(2, [message(1, tensorType)])];
}
