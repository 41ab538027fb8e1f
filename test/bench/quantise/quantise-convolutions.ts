import { type OnnxTensor, writeNode } from '../../support/onnx-file.ts';
import type { ValueRange } from './calibrating-runtime.ts';
import {
	changeNetwork,
	type Network,
	type NetworkNode,
	RUNTIME_DOMAIN,
	type Weights,
	withInputs,
} from './network-file.ts';

/** A convolution that is computed in 8 bits. */
interface QuantisedConvolution {
	readonly node: NetworkNode;
	readonly input: string;
	/** After its ReLU, where it has one: the runtime computes both at once. */
	readonly output: string;
	readonly weights: Weights;
	readonly bias: Weights | undefined;
}

/**
 * The convolutions that are worth it: all with weights in the file, but for those that read the picture, whose three
 * channels fill no vector of 8-bit numbers, and those that read or give an output of the network.
 */
export function findConvolutions({ nodes, weights, inputs, outputs }: Network): QuantisedConvolution[] {
	const convolutions: QuantisedConvolution[] = [];
	for (const node of nodes) {
		const [input, weightName = '', biasName = ''] = node.inputs;
		const [result] = node.outputs;
		const kernel = weights.get(weightName);
		const bias = weights.get(biasName);
		if (node.operator !== 'Conv' || input === undefined || result === undefined || kernel === undefined)
			continue;
		if (biasName !== '' && bias === undefined) continue;
		const readers = nodes.filter((reader) => reader.inputs.includes(result));
		const [activation] = readers.length === 1 && readers[0]?.operator === 'Relu' ? readers[0].outputs : [];
		const output = activation ?? result;
		if (inputs.includes(input) || outputs.includes(input) || outputs.includes(output)) continue;
		convolutions.push({ node, input, output, weights: kernel, bias });
	}
	return convolutions;
}

/** The tensors whose ranges `quantiseConvolutions` needs. */
export function tensorsOf(convolutions: readonly QuantisedConvolution[]): string[] {
	return [...new Set(convolutions.flatMap(({ input, output }) => [input, output]))];
}

/**
 * The network with these convolutions in 8 bits, written as ONNX's quantise and dequantise pairs around them, of which
 * the runtime makes 8-bit operators: tensors as bytes with one scale each, weights as signed ones with a scale a channel.
 * The pairs are the runtime's own operators, because ONNX has scales by channel from operator set 13 on only.
 *
 * @param model - the file that `network` was read from.
 * @param ranges - of every tensor of `tensorsOf`.
 */
export function quantiseConvolutions(
	model: Buffer,
	{ nodes, inputs }: Network,
	convolutions: readonly QuantisedConvolution[],
	ranges: ReadonlyMap<string, ValueRange>,
): Buffer {
	const byNode = new Map(convolutions.map((convolution) => [convolution.node, convolution]));
	const quantised = new Map(tensorsOf(convolutions).map((name) => [name, byteScale(name, ranges.get(name))]));
	const tensors: OnnxTensor[] = [...quantised.values()].flatMap(({ scale, zero }) => [scale, zero]);
	const written: Buffer[] = [];
	const pairFor = (name: string) => {
		const parameters = quantised.get(name);
		if (parameters === undefined) return;
		const { scale, zero } = parameters;
		written.push(
			runtimeNode('QuantizeLinear', [name, scale.name, zero.name], `${name}/bytes`),
			runtimeNode('DequantizeLinear', [`${name}/bytes`, scale.name, zero.name], `${name}/8bit`),
		);
	};
	for (const input of inputs) pairFor(input);
	for (const node of nodes) {
		const read = node.inputs.map((name) => (quantised.has(name) ? `${name}/8bit` : name));
		const convolution = byNode.get(node);
		if (convolution !== undefined) {
			const scale = quantised.get(convolution.input)?.step ?? 1;
			const constants = quantiseWeights(convolution, scale);
			tensors.push(...constants.tensors);
			written.push(...constants.nodes);
			read.splice(1, read.length - 1, ...constants.outputs);
		}
		written.push(withInputs(node, read));
		for (const output of node.outputs) pairFor(output);
	}
	return changeNetwork(model, { nodes: written, tensors, dropped: weightsOnlyOf(convolutions, nodes) });
}

/** The scale and the zero point of a tensor in bytes: value = (byte - zero) * step. */
function byteScale(name: string, range: ValueRange | undefined) {
	if (range === undefined) throw new RangeError(`Expected the range of ${name}`);
	const step = Math.fround((range.most - range.least) / 255) || 1;
	const zero = Math.min(255, Math.round(-range.least / step));
	return {
		step,
		scale: { name: `${name}/scale`, shape: [], data: Float32Array.of(step) },
		zero: { name: `${name}/zero`, shape: [], data: Uint8Array.of(zero) },
	};
}

function quantiseWeights({ node, weights, bias }: QuantisedConvolution, inputStep: number) {
	const [channels = 1] = weights.shape;
	const perChannel = weights.values.length / channels;
	const steps = Float32Array.from({ length: channels }, (_, channel) => {
		const values = weights.values.subarray(channel * perChannel, (channel + 1) * perChannel);
		return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127 || 1;
	});
	const stepOf = (index: number) => steps[Math.floor(index / perChannel)] ?? 1;
	// Unique, because convolutions may share weights but not what is read.
	const base = `${node.outputs.join()}/weights`;
	const parts = [
		constant(
			base,
			Int8Array.from(weights.values, (value, index) => Math.round(value / stepOf(index))),
			{ shape: weights.shape, steps, zeros: new Int8Array(channels) },
		),
	];
	if (bias !== undefined) {
		const biasSteps = steps.map((step) => step * inputStep);
		parts.push(
			constant(
				`${node.outputs.join()}/bias`,
				Int32Array.from(bias.values, (value, channel) => toInt32(value / (biasSteps[channel] ?? 1))),
				{ shape: bias.shape, steps: biasSteps, zeros: new Int32Array(channels) },
			),
		);
	}
	return {
		outputs: parts.map(({ output }) => output),
		nodes: parts.map((part) => part.node),
		tensors: parts.flatMap((part) => part.tensors),
	};
}

/** Whole numbers with a scale for each of the outermost extent, and the node that makes floats of them. */
function constant<Numbers extends Int8Array | Int32Array>(
	output: string,
	data: Numbers,
	{ shape, steps, zeros }: { shape: readonly number[]; steps: Float32Array; zeros: Numbers },
) {
	const names = { data: `${output}/whole`, scale: `${output}/scale`, zero: `${output}/zero` };
	const tensors: OnnxTensor[] = [
		{ name: names.data, shape, data },
		{ name: names.scale, shape: [steps.length], data: steps },
		{ name: names.zero, shape: [zeros.length], data: zeros },
	];
	return {
		output,
		tensors,
		node: runtimeNode('DequantizeLinear', Object.values(names), output, { axis: 0 }),
	};
}

function runtimeNode(
	operator: string,
	inputs: readonly string[],
	output: string,
	attributes: Readonly<Record<string, number>> = {},
): Buffer {
	return Buffer.concat(
		writeNode({ operator, inputs, outputs: [output], attributes, domain: RUNTIME_DOMAIN }),
	);
}

/** Where the weights of a channel are next to 0, its bias is beyond 32 bits. */
function toInt32(value: number): number {
	return Math.min(2 ** 31 - 1, Math.max(-(2 ** 31), Math.round(value)));
}

/** What these convolutions alone read, besides their input. */
function weightsOnlyOf(
	convolutions: readonly QuantisedConvolution[],
	nodes: readonly NetworkNode[],
): ReadonlySet<string> {
	const replaced = new Set(convolutions.map(({ node }) => node));
	const needed = new Set(nodes.filter((node) => !replaced.has(node)).flatMap(({ inputs }) => inputs));
	const read = convolutions.flatMap(({ node }) => node.inputs.slice(1));
	return new Set(read.filter((name) => !needed.has(name)));
}
