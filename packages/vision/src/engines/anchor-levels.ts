import type { FaceLandmarks, Size } from '@facet/contracts';
import type { NetworkDescription, OutputTensor } from '../onnx-session.ts';

/**
 * What the networks of this family (SCRFD, YuNet) give for one stride: for every anchor of every cell of a grid over
 * the input, row by row, one or two scores, a box, and five key points where the network has them.
 */
export interface AnchorLevel {
	/** Pixels of the input from one cell to the next. */
	readonly stride: number;
	/** Cells in a row of the grid. */
	readonly columns: number;
	/** Anchors a cell. */
	readonly anchors: number;
	/** One value an anchor each. */
	readonly scores: readonly Float32Array[];
	/** Four values an anchor. */
	readonly boxes: Float32Array;
	/** Ten values an anchor. */
	readonly points: Float32Array | undefined;
}

/** Values that an anchor has in an output: its innermost extent. */
const SCORE = 1;
const BOX = 4;
const POINTS = 10;

const SMALLEST_STRIDE = 8;

/** How many outputs of each sort a network has, all strides together. */
interface OutputCounts {
	readonly scores: number;
	readonly boxes: number;
	readonly points: number;
}

/**
 * Whether a network takes a picture in colour and gives so many outputs of each sort, by their shapes; an extent that
 * the network leaves open may be any.
 */
export function hasOutputs(
	{ inputs, outputs }: NetworkDescription,
	{ scores, boxes, points }: OutputCounts,
): boolean {
	const [batch, channels, ...size] = inputs[0]?.shape ?? [];
	if ((batch ?? 1) !== 1 || (channels ?? 3) !== 3 || size.length !== 2) return false;
	if (outputs.length !== scores + boxes + points) return false;
	const left = new Map([
		[SCORE, scores],
		[BOX, boxes],
		[POINTS, points],
	]);
	return outputs.every(({ shape }) => {
		const extent = shape.at(-1);
		if (extent === undefined) return true;
		const rest = (left.get(extent) ?? 0) - 1;
		left.set(extent, rest);
		return rest >= 0;
	});
}

/**
 * Sorts the outputs of a run. Names do not matter, and neither does a batch axis: the innermost extent says what an
 * output holds, the number of its values which stride it belongs to; outputs that are alike keep the network's order.
 *
 * @param outputs - of one run, with or without a batch axis of 1.
 * @param input - size of the network's input in pixels.
 * @throws Error when an output does not fit the grid of its stride.
 */
export function toAnchorLevels(outputs: Iterable<OutputTensor>, input: Size): AnchorLevel[] {
	const sorted = [...outputs].sort((a, b) => anchorsOf(b) - anchorsOf(a));
	const ofExtent = (extent: number) => sorted.filter(({ shape }) => shape.at(-1) === extent);
	const scores = ofExtent(SCORE);
	const boxes = ofExtent(BOX);
	const points = ofExtent(POINTS);
	const scoresPerLevel = scores.length / boxes.length;
	return boxes.map((box, level) => {
		const stride = SMALLEST_STRIDE * 2 ** level;
		const columns = Math.ceil(input.width / stride);
		const cells = columns * Math.ceil(input.height / stride);
		const ofLevel = [...scores.slice(level * scoresPerLevel, (level + 1) * scoresPerLevel)];
		const keyPoints = points[level];
		for (const output of [box, ...ofLevel, ...(keyPoints ? [keyPoints] : [])]) {
			const anchors = anchorsOf(output) / cells;
			if (Number.isInteger(anchors) && anchors > 0 && anchors === anchorsOf(box) / cells) continue;
			throw new Error(
				`Expected ${cells} cells of stride ${stride} on ${input.width} x ${input.height} pixels, with the same ` +
					`number of anchors in each output, but received an output of shape [${output.shape.join(', ')}]`,
			);
		}
		return {
			stride,
			columns,
			anchors: anchorsOf(box) / cells,
			scores: ofLevel.map(({ data }) => data),
			boxes: box.data,
			points: keyPoints?.data,
		};
	});
}

function anchorsOf({ data, shape }: OutputTensor): number {
	return data.length / (shape.at(-1) ?? 1);
}

/**
 * The contract's points from five: left eye, right eye, nose, left and right mouth corner, left as seen in the
 * picture.
 *
 * @param at - gives a point by its number.
 */
export function toLandmarks(at: (index: number) => { x: number; y: number }): FaceLandmarks {
	const mouthLeft = at(3);
	const mouthRight = at(4);
	return {
		leftEye: at(0),
		rightEye: at(1),
		nose: at(2),
		mouthCenter: { x: (mouthLeft.x + mouthRight.x) / 2, y: (mouthLeft.y + mouthRight.y) / 2 },
		mouthLeft,
		mouthRight,
	};
}
