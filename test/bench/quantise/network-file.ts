import {
	protobufMessage as message,
	protobufNumber as number,
	protobufFields,
	protobufText as text,
} from '@facet/vision';
import { type OnnxTensor, writeTensor } from '../../support/onnx-file.ts';

/** Reads and changes ONNX files; the numbers are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. */

const MODEL_GRAPH = 7;
const MODEL_OPERATOR_SET = 8;
const GRAPH_NODE = 1;
const GRAPH_INITIALIZER = 5;
const GRAPH_INPUT = 11;
const GRAPH_OUTPUT = 12;
const FLOAT = 1;

/** ONNX Runtime's own operators. */
export const RUNTIME_DOMAIN = 'com.microsoft';

export interface NetworkNode {
	readonly operator: string;
	readonly inputs: readonly string[];
	readonly outputs: readonly string[];
	/** All but the inputs, as the file has it. */
	readonly rest: Buffer;
}

export interface Weights {
	readonly shape: readonly number[];
	readonly values: Float32Array;
}

export interface Network {
	/** In the order they run in. */
	readonly nodes: readonly NetworkNode[];
	/** The tensors of 32-bit floats that the file holds, by name. */
	readonly weights: ReadonlyMap<string, Weights>;
	readonly inputs: readonly string[];
	readonly outputs: readonly string[];
	/** Version of ONNX's own operators. */
	readonly operatorSet: number;
}

/** What is put into a network's graph, and what is left out of it. */
export interface NetworkChange {
	/** The content of each node, instead of those there are. */
	readonly nodes?: readonly Buffer[];
	readonly tensors?: readonly OnnxTensor[];
	/** Names of float tensors that become outputs besides. */
	readonly outputs?: readonly string[];
	/** Names of weights that no node needs any more. */
	readonly dropped?: ReadonlySet<string>;
}

/** @throws RangeError when the bytes are no ONNX file. */
export function readNetwork(model: Buffer): Network {
	const nodes: NetworkNode[] = [];
	const weights = new Map<string, Weights>();
	const inputs: string[] = [];
	const outputs: string[] = [];
	let operatorSet = 0;
	for (const { number: field, content } of fields(model)) {
		if (field === MODEL_OPERATOR_SET) operatorSet ||= readOperatorSet(content);
		if (field !== MODEL_GRAPH) continue;
		for (const { number: part, content: bytes } of fields(content)) {
			if (part === GRAPH_NODE) nodes.push(readNode(bytes));
			else if (part === GRAPH_INPUT) inputs.push(readText(bytes, 1));
			else if (part === GRAPH_OUTPUT) outputs.push(readText(bytes, 1));
			else if (part === GRAPH_INITIALIZER) readWeights(bytes, weights);
		}
	}
	return { nodes, weights, inputs: inputs.filter((name) => !weights.has(name)), outputs, operatorSet };
}

/** The file of a network with its graph changed; all else stays as it is. */
export function changeNetwork(model: Buffer, change: NetworkChange): Buffer {
	const parts: Buffer[] = [];
	for (const { number: field, content, whole } of fields(model)) {
		parts.push(field === MODEL_GRAPH ? message(MODEL_GRAPH, changeGraph(content, change)) : whole);
	}
	parts.push(message(MODEL_OPERATOR_SET, [text(1, RUNTIME_DOMAIN), number(2, 1)]));
	return Buffer.concat(parts);
}

function changeGraph(
	graph: Buffer,
	{ nodes, tensors = [], outputs = [], dropped = new Set() }: NetworkChange,
): Buffer[] {
	const kept = [...fields(graph)].filter(({ number: part, content }) => {
		if (part === GRAPH_NODE) return nodes === undefined;
		if (part === GRAPH_INITIALIZER) return !dropped.has(readText(content, 8));
		// Old files name their weights among the inputs too.
		return part !== GRAPH_INPUT || !dropped.has(readText(content, 1));
	});
	return [
		...(nodes ?? []).map((node) => message(GRAPH_NODE, [node])),
		...kept.map(({ whole }) => whole),
		...tensors.map((tensor) => message(GRAPH_INITIALIZER, writeTensor(tensor))),
		...outputs.map((name) =>
			// Its shape is the runtime's to infer.
			message(GRAPH_OUTPUT, [text(1, name), message(2, [message(1, [number(1, FLOAT)])])]),
		),
	];
}

/** The content of a node with other inputs. */
export function withInputs({ rest }: NetworkNode, inputs: readonly string[]): Buffer {
	return Buffer.concat([...inputs.map((name) => text(1, name)), rest]);
}

function readNode(bytes: Buffer): NetworkNode {
	const all = [...fields(bytes)];
	const texts = (field: number) =>
		all.filter((each) => each.number === field).map(({ content }) => content.toString());
	return {
		operator: texts(4).join(),
		inputs: texts(1),
		outputs: texts(2),
		rest: Buffer.concat(all.filter((each) => each.number !== 1).map(({ whole }) => whole)),
	};
}

function readWeights(bytes: Buffer, weights: Map<string, Weights>): void {
	const shape: number[] = [];
	let type = 0;
	let name = '';
	let data = new Uint8Array();
	for (const { number: field, value, content } of fields(bytes)) {
		if (field === 1) shape.push(value);
		else if (field === 2) type = value;
		else if (field === 8) name = content.toString();
		else if (field === 4 || field === 9) data = Uint8Array.from(content);
	}
	if (type !== FLOAT) return;
	const values = new Float32Array(data.buffer, 0, data.length / 4);
	const count = shape.reduce((product, extent) => product * extent, 1);
	if (values.length !== count) {
		throw new RangeError(`Expected ${count} weights in ${name} but the file has ${values.length}`);
	}
	weights.set(name, { shape, values });
}

/** 0 of operators that are not ONNX's own. */
function readOperatorSet(bytes: Buffer): number {
	if (readText(bytes, 1) !== '') return 0;
	for (const { number: field, value } of fields(bytes)) {
		if (field === 2) return value;
	}
	return 0;
}

function readText(bytes: Buffer, wanted: number): string {
	for (const { number: field, content } of fields(bytes)) {
		if (field === wanted) return content.toString();
	}
	return '';
}

/** The fields of a message: what is in each, and the whole of it. */
function* fields(bytes: Buffer) {
	for (const { number, value, key, start, end } of protobufFields(bytes)) {
		yield { number, value, content: bytes.subarray(start, end), whole: bytes.subarray(key, end) };
	}
}
