import { type OnnxGraph, type OnnxNode, type OnnxTensor, type OnnxValue, writeOnnx } from './onnx-file.ts';

/**
 * Detection networks with the inputs and outputs of real ones that find patches of colour: the mean colour of a cell
 * gives the score, the box and the points are the same for every cell.
 */

/** What an anchor answers to, and what it says of every cell. */
interface ToyAnchor {
	/** Weights of the input's channels, in their order, as the network sees them. */
	readonly colour: readonly [number, number, number];
	readonly box: readonly [number, number, number, number];
	/** Five x, y. */
	readonly points: readonly number[];
}

/** How a file presents itself. */
export interface ToyFile {
	readonly strides: readonly number[];
	readonly anchors: readonly ToyAnchor[];
	readonly withPoints: boolean;
	/** Whether outputs have a batch axis of 1. */
	readonly withBatch: boolean;
	/** The size of the input, square; undefined leaves it open. */
	readonly side: number | undefined;
	/** Score outputs a stride, with what their names begin with. */
	readonly scores: readonly string[];
	/** Names of the outputs by what they hold and their stride. */
	readonly nameOf: (what: string, stride: number) => string;
	/** The order of the outputs; grouped by what they hold when it is not given. */
	readonly order?: (names: readonly string[]) => readonly string[];
}

const SCRFD: ToyFile = {
	strides: [8, 16, 32],
	anchors: [
		{
			colour: [0.5, 0, -0.5],
			box: [1, 1.5, 2, 2.5],
			points: [-0.5, -0.5, 1, -0.5, 0.25, 0.5, -0.25, 1, 0.75, 1],
		},
		{ colour: [0, 0.5, -0.5], box: [2, 2, 1, 1], points: [-1, -1, 0.5, -1, -0.25, 0, -0.75, 0.5, 0.25, 0.5] },
	],
	withPoints: true,
	withBatch: true,
	side: 640,
	scores: ['score'],
	nameOf: (what, stride) => `${what}_${stride}`,
};

/** Anchor 0 finds red, anchor 1 green. Inputs as of SCRFD, `(value - 127.5) / 128`. */
export function toyScrfd(file: Partial<ToyFile> = {}): Buffer {
	return writeToy({ ...SCRFD, ...file });
}

/** Finds red in BGR of 0..255. Boxes are offsets of the centre and logarithms of the sides. */
export function toyYuNet(file: Partial<ToyFile> = {}): Buffer {
	return writeToy({
		...SCRFD,
		anchors: [
			{
				colour: [-1 / 255, 0, 1 / 255],
				box: [0.5, 0.25, Math.log(2), Math.log(3)],
				points: [-0.5, -0.5, 1, -0.5, 0.25, 0.5, -0.25, 1, 0.75, 1],
			},
		],
		scores: ['cls', 'obj'],
		...file,
	});
}

export { SCRFD as TOY_SCRFD };

function writeToy(file: ToyFile): Buffer {
	const { strides, anchors, withPoints, scores, nameOf } = file;
	const heads = [
		...scores.map((what) => ({ what, rows: anchors.map(({ colour }) => [{ colour, bias: 0 }]) })),
		{ what: 'bbox', rows: anchors.map(({ box }) => box.map(constant)) },
		...(withPoints ? [{ what: 'kps', rows: anchors.map(({ points }) => points.map(constant)) }] : []),
	];
	const parts = heads.flatMap(({ what, rows }) =>
		strides.map((stride) => head(nameOf(what, stride), stride, rows, file)),
	);
	const names = parts.map(({ output }) => output.name);
	const ordered = file.order?.(names) ?? names;
	const graph: OnnxGraph = {
		inputs: [{ name: 'input.1', shape: [1, 3, file.side ?? 'height', file.side ?? 'width'] }],
		outputs: ordered.flatMap((name) => parts.find(({ output }) => output.name === name)?.output ?? []),
		nodes: parts.flatMap(({ nodes }) => nodes),
		initializers: parts.flatMap(({ initializers }) => initializers),
	};
	return writeOnnx(graph);
}

/** One value that an anchor has: a weighted mean of the cell's channels plus a constant. */
interface ToyValue {
	readonly colour: readonly number[];
	readonly bias: number;
}

function constant(bias: number): ToyValue {
	return { colour: [0, 0, 0], bias };
}

interface ToyHead {
	readonly output: OnnxValue;
	readonly nodes: readonly OnnxNode[];
	readonly initializers: readonly OnnxTensor[];
}

/** Mean of each cell, a 1 x 1 convolution to all values of all anchors, and these in rows by anchor. */
function head(
	name: string,
	stride: number,
	anchors: readonly (readonly ToyValue[])[],
	{ side, withBatch }: ToyFile,
): ToyHead {
	const values = anchors.flat();
	const perAnchor = values.length / anchors.length;
	const rows = side === undefined ? `rows_${name}` : anchors.length * Math.ceil(side / stride) ** 2;
	const shape = [...(withBatch ? [1] : []), -1, perAnchor];
	return {
		output: { name, shape: [...(withBatch ? [1] : []), rows, perAnchor] },
		nodes: [
			{
				operator: 'AveragePool',
				inputs: ['input.1'],
				outputs: [`${name}.mean`],
				attributes: { kernel_shape: [stride, stride], strides: [stride, stride] },
			},
			{
				operator: 'Conv',
				inputs: [`${name}.mean`, `${name}.weights`, `${name}.bias`],
				outputs: [`${name}.map`],
				attributes: { kernel_shape: [1, 1] },
			},
			{
				operator: 'Transpose',
				inputs: [`${name}.map`],
				outputs: [`${name}.cells`],
				attributes: { perm: [0, 2, 3, 1] },
			},
			{ operator: 'Reshape', inputs: [`${name}.cells`, `${name}.shape`], outputs: [name] },
		],
		initializers: [
			{
				name: `${name}.weights`,
				shape: [values.length, 3, 1, 1],
				data: new Float32Array(values.flatMap(({ colour }) => [...colour])),
			},
			{
				name: `${name}.bias`,
				shape: [values.length],
				data: new Float32Array(values.map(({ bias }) => bias)),
			},
			{ name: `${name}.shape`, shape: [shape.length], data: new BigInt64Array(shape.map(BigInt)) },
		],
	};
}
