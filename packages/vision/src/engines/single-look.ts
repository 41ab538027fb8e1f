import type { BoundingBox, RgbImage, Size } from '@facet/contracts';
import { z } from 'zod';
import type { Candidate, Engine } from '../engine.ts';
import { type Model, thresholdsOf } from '../model-registry.ts';
import type { OnnxSession } from '../onnx-session.ts';
import { PlaneStock } from '../plane-stock.ts';
import { type AnchorLevel, toAnchorLevels } from './anchor-levels.ts';
import { blackOf, letterbox, toImagePixels } from './letterbox.ts';
import { suppressOverlaps } from './suppress-overlaps.ts';

/** What these engines need in `parameters` of a `MODELS.json` entry. */
const parametersSchema = z.object({
	/** Longest side to decode pictures to, in pixels. */
	inputSide: z.int().positive(),
	/** From this score of its best face on, a picture is not looked at turned. */
	sureScore: z.number().min(0).max(1).optional(),
	/** Whether the landmark network's points take the place of the network's own. */
	refineLandmarks: z.boolean().default(false),
	/** Whether unsure pictures get a second look at another scale. */
	secondLook: z.boolean().default(false),
	/** Whether what overlaps a face is kept at a lower score. */
	softSuppression: z.boolean().default(false),
});

/** What tells one network of this family from another. */
export interface SingleLook {
	/** The candidates of a level at or above the threshold, in pixels of the network's input. */
	readonly decode: (level: AnchorLevel, scoreThreshold: number) => Candidate[];
	/** The size of the input for a picture of this size, of a network that leaves it open. */
	readonly openSize: (picture: Size, largest: Size) => Size;
}

/** The engine of a network that sees a whole picture at once, letterboxed, and gives its anchors by stride. */
export function createSingleLookEngine(
	model: Model,
	session: OnnxSession,
	{ decode, openSize }: SingleLook,
): Engine {
	const parameters = parametersSchema.parse(model.parameters);
	const thresholds = thresholdsOf(model);
	const [, , height, width] = session.inputs[0]?.shape ?? [];
	const largest = { width: width ?? model.input.width, height: height ?? model.input.height };
	const stock = new PlaneStock(3 * largest.width * largest.height);
	const black = blackOf(model.normalisation);
	const isFixed = width !== undefined && height !== undefined;

	async function look(image: RgbImage, region: BoundingBox, scoreThreshold: number): Promise<Candidate[]> {
		const size = isFixed ? largest : openSize(region, largest);
		return stock.lend(async (lent) => {
			const planes = lent.subarray(0, 3 * size.width * size.height).fill(black);
			const input = letterbox(image, region, size, model, planes);
			const outputs = await session.run(planes, [1, 3, size.height, size.width]);
			const candidates = toAnchorLevels(outputs.values(), size).flatMap((level) =>
				decode(level, scoreThreshold),
			);
			return candidates.map((candidate) => toImagePixels(candidate, input));
		});
	}

	return {
		inputSide: parameters.inputSide,
		scoreThreshold: thresholds.score,
		sureScore: parameters.sureScore,
		refineLandmarks: parameters.refineLandmarks,
		secondLook: parameters.secondLook,
		softSuppression: parameters.softSuppression,
		look,
		async detect(image, scoreThreshold) {
			const whole = { x: 0, y: 0, width: image.width, height: image.height };
			return suppressOverlaps(await look(image, whole, scoreThreshold), thresholds.iou);
		},
		close: () => session.close(),
	};
}
