import { type ProtobufField, protobufFields } from './protobuf-fields.ts';
import { protobufMessage, protobufNumber, protobufText } from './protobuf-writer.ts';

/**
 * ONNX's numbers for the fields of a model, its graph, the graph's nodes and its outputs
 * (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
 */
const MODEL = { graph: 7 };
const GRAPH = { node: 1, initializer: 5, output: 12, valueInfo: 13 };
const NODE = { input: 1, output: 2, operator: 4 };
const INITIALIZER_NAME = 8;
const VALUE = { name: 1, type: 2 };
const TYPE_TENSOR = 1;
const TENSOR_ELEMENT_TYPE = 1;
const FLOAT = 1;

interface Node {
	readonly field: ProtobufField;
	readonly operator: string;
	readonly inputs: readonly string[];
	readonly outputs: readonly string[];
}

/**
 * Cuts a network off behind its heads: the convolutions whose results it transposes, in order to join them. What comes
 * after them (joining, softmax, turning offsets into boxes) takes a sixth of UltraFace's time, for thousands of anchors
 * of which a few count.
 *
 * @param model - an ONNX file.
 * @returns an ONNX file with the heads as its outputs, in the order of the graph, and after them what else the network
 * gives from before its heads.
 * @throws Error when the network transposes nothing; RangeError when it is no ONNX file.
 */
export function cutAtHeads(model: Buffer): Buffer {
	const top = [...protobufFields(model)];
	const graph = top.find(({ number }) => number === MODEL.graph);
	if (graph === undefined) throw new RangeError('Expected an ONNX file but received none');
	const fields = [...protobufFields(model, graph.start, graph.end)];
	const nodes = fields.filter(({ number }) => number === GRAPH.node).map((field) => toNode(model, field));
	const heads = nodes
		.filter(({ operator }) => operator === 'Transpose')
		.flatMap(({ inputs }) => inputs.slice(0, 1));
	if (heads.length === 0) throw new Error('Expected a network that transposes its heads but it has none');
	const { kept, needed } = whatLeadsTo(heads, nodes);
	const parts = fields.filter((field) => {
		if (field.number === GRAPH.node) return kept.has(field);
		if (field.number === GRAPH.initializer) return needed.has(textOf(model, field, INITIALIZER_NAME));
		return field.number !== GRAPH.output && field.number !== GRAPH.valueInfo;
	});
	const others = fields.filter((field) => {
		const name = field.number === GRAPH.output ? textOf(model, field, VALUE.name) : '';
		return needed.has(name) && !heads.includes(name);
	});
	const changed = [
		...parts.map((field) => model.subarray(field.key, field.end)),
		...heads.map((name) => protobufMessage(GRAPH.output, floatTensor(name))),
		...others.map((field) => model.subarray(field.key, field.end)),
	];
	return Buffer.concat(
		top.map((field) =>
			field === graph ? protobufMessage(MODEL.graph, changed) : model.subarray(field.key, field.end),
		),
	);
}

/** The nodes whose results reach one of the tensors, and the names of everything that these take. */
function whatLeadsTo(
	tensors: readonly string[],
	nodes: readonly Node[],
): { kept: Set<ProtobufField>; needed: Set<string> } {
	const needed = new Set(tensors);
	const kept = new Set<ProtobufField>();
	// A graph's nodes stand in the order in which they run.
	for (const { field, inputs, outputs } of nodes.toReversed()) {
		if (!outputs.some((name) => needed.has(name))) continue;
		kept.add(field);
		for (const name of inputs) needed.add(name);
	}
	return { kept, needed };
}

function toNode(model: Buffer, field: ProtobufField): Node {
	return {
		field,
		operator: textOf(model, field, NODE.operator),
		inputs: textsOf(model, field, NODE.input),
		outputs: textsOf(model, field, NODE.output),
	};
}

function textOf(model: Buffer, message: ProtobufField, number: number): string {
	return textsOf(model, message, number)[0] ?? '';
}

function textsOf(model: Buffer, { start, end }: ProtobufField, number: number): string[] {
	return [...protobufFields(model, start, end)]
		.filter((field) => field.number === number)
		.map((field) => model.toString('utf8', field.start, field.end));
}

/** An output of which the runtime works out the shape. */
function floatTensor(name: string): Buffer[] {
	const tensor = protobufMessage(TYPE_TENSOR, [protobufNumber(TENSOR_ELEMENT_TYPE, FLOAT)]);
	return [protobufText(VALUE.name, name), protobufMessage(VALUE.type, [tensor])];
}
