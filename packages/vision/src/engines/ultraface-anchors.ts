import type { Size } from '@facet/contracts';
import type { Candidate } from '../engine.ts';
import type { OutputTensor } from '../onnx-session.ts';

/** Sides of the anchors of each level, in pixels of the input, as the network was trained with. */
const LEVELS = [
	[10, 16, 24],
	[32, 48],
	[64, 96],
	[128, 192, 256],
] as const;

/** What the network's offsets and sizes were divided by in training ("variances" of SSD, Liu et al. 2016). */
const CENTER_VARIANCE = 0.1;
const SIZE_VARIANCE = 0.2;

/** A level's results, both [1, channels, rows, columns]: two scores an anchor, and four numbers of its box. */
interface Heads {
	readonly scores: OutputTensor;
	readonly boxes: OutputTensor;
}

/**
 * The anchors at or above a score, in pixels of the network's input. The cells of a level share the input evenly, also
 * where it is no multiple of their stride, and anchors are no larger than the input: so the network was trained.
 *
 * @param outputs - the network's heads, in its own order: scores and boxes of each level.
 * @throws Error when the heads are not those of these anchors.
 */
export function decodeUltraFace(
	outputs: Iterable<OutputTensor>,
	input: Size,
	leastScore: number,
): Candidate[] {
	const heads = [...outputs];
	// Of two scores the softmax is the logistic function of their difference, which grows with it.
	const leastMargin = Math.log(leastScore / (1 - leastScore));
	const candidates: Candidate[] = [];
	for (const [index, sides] of LEVELS.entries()) {
		const { scores, boxes } = headsOf(heads, index, sides.length);
		const columns = scores.shape[3] ?? 0;
		const rows = scores.shape[2] ?? 0;
		const cells = columns * rows;
		const stepX = input.width / columns;
		const stepY = input.height / rows;
		for (const [anchor, side] of sides.entries()) {
			const width = Math.min(side, input.width);
			const height = Math.min(side, input.height);
			const background = 2 * anchor * cells;
			const offsets = 4 * anchor * cells;
			for (let cell = 0; cell < cells; cell++) {
				const margin = (scores.data[background + cells + cell] ?? 0) - (scores.data[background + cell] ?? 0);
				if (!(margin >= leastMargin)) continue;
				const value = (number: number) => boxes.data[offsets + number * cells + cell] ?? 0;
				const centerX = ((cell % columns) + 0.5) * stepX + value(0) * CENTER_VARIANCE * width;
				const centerY = (Math.floor(cell / columns) + 0.5) * stepY + value(1) * CENTER_VARIANCE * height;
				const box = {
					width: width * Math.exp(value(2) * SIZE_VARIANCE),
					height: height * Math.exp(value(3) * SIZE_VARIANCE),
				};
				candidates.push({
					score: 1 / (1 + Math.exp(-margin)),
					box: { x: centerX - box.width / 2, y: centerY - box.height / 2, ...box },
				});
			}
		}
	}
	return candidates;
}

function headsOf(outputs: readonly OutputTensor[], level: number, anchors: number): Heads {
	const scores = outputs[2 * level];
	const boxes = outputs[2 * level + 1];
	if (
		outputs.length === 2 * LEVELS.length &&
		scores?.shape[1] === 2 * anchors &&
		boxes?.shape[1] === 4 * anchors
	) {
		return { scores, boxes };
	}
	const shapes = outputs.map(({ shape }) => `[${shape.join(', ')}]`).join(', ');
	throw new Error(`Expected the heads of UltraFace's ${LEVELS.length} levels but received ${shapes}`);
}
