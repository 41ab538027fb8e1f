import type { RgbImage } from '@facet/contracts';
import { z } from 'zod';
import type { Candidate, Engine, EngineOptions } from '../engine.ts';
import type { Model } from '../model-registry.ts';
import {
	intersectionOverSmaller,
	intersectionOverUnion,
	suppressNonMaxima,
} from '../non-maximum-suppression.ts';
import { type OnnxSession, openSession, outputOf } from '../onnx-session.ts';
import { resampleRegion } from '../resample.ts';
import { isCutByTile, type Tile, tileGrid } from '../tiling.ts';

/** UltraFace's part of a `MODELS.json` entry. */
const parametersSchema = z.object({
	inputSide: z.int().positive(),
	/** Part of a tile's side that it shares with the next one. */
	tileOverlap: z.number().min(0).max(0.9),
	/** Boxes this close to a tile's inner edge are taken for cut faces, as a part of the tile's side. */
	tileMargin: z.number().min(0).max(0.5),
	/** Boxes of which this part lies inside another are the same face. */
	containment: z.number().min(0).max(1),
});

/**
 * UltraFace RFB-320 (https://github.com/Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB): 4420 anchors on
 * 320 x 240 pixels, boxes only.
 *
 * At that size a face needs some 10 pixels, so the network looks at the whole frame for large faces and at a grid of
 * 2x2 overlapping tiles for small ones.
 */
export async function createUltraFace(model: Model, options: EngineOptions): Promise<Engine> {
	const parameters = parametersSchema.parse(model.parameters);
	const thresholds = { score: 0.7, iou: 0.4, ...model.thresholds };
	const scoreThreshold = options.scoreThreshold ?? thresholds.score;
	const session = await openSession(model.path);

	return {
		inputSide: parameters.inputSide,
		async detect(image) {
			const tiles = [...tileGrid(image, 1, 0), ...tileGrid(image, 2, parameters.tileOverlap)];
			const candidates: Candidate[] = [];
			// One after the other: a run blocks the thread anyway.
			for (const tile of tiles) {
				const found = await lookAt(session, model, image, tile, scoreThreshold);
				for (const candidate of found) {
					if (!isCutByTile(candidate.box, tile, image, parameters.tileMargin)) candidates.push(candidate);
				}
			}
			return suppressNonMaxima(
				candidates,
				(kept, weaker) =>
					intersectionOverUnion(kept, weaker) > thresholds.iou ||
					intersectionOverSmaller(kept, weaker) > parameters.containment,
			);
		},
		close: () => session.close(),
	};
}

/** Runs the network on one tile; candidates in pixels of the image. */
async function lookAt(
	session: OnnxSession,
	model: Model,
	image: RgbImage,
	tile: Tile,
	scoreThreshold: number,
): Promise<Candidate[]> {
	const { width: planeWidth, height: planeHeight } = model.input;
	const { region } = tile;
	// The tile keeps its aspect, in the top-left corner of the input; what is left over stays mid-grey, which is 0.
	const zoom = Math.min(planeWidth / region.width, planeHeight / region.height);
	const width = Math.max(1, Math.round(region.width * zoom));
	const height = Math.max(1, Math.round(region.height * zoom));
	const planes = new Float32Array(3 * planeWidth * planeHeight);
	resampleRegion(image, region, { planes, planeWidth, planeHeight, width, height, ...model.normalisation });

	const outputs = await session.run(planes, [1, 3, planeHeight, planeWidth]);
	const scores = outputOf(outputs, 'scores');
	const corners = outputOf(outputs, 'boxes');
	const scaleX = (planeWidth / width) * region.width;
	const scaleY = (planeHeight / height) * region.height;
	const candidates: Candidate[] = [];
	for (let anchor = 0; 2 * anchor < scores.length; anchor++) {
		const score = scores[2 * anchor + 1] ?? 0;
		if (score < scoreThreshold) continue;
		const [left = 0, top = 0, right = 0, bottom = 0] = corners.subarray(4 * anchor, 4 * anchor + 4);
		const box = {
			x: region.x + left * scaleX,
			y: region.y + top * scaleY,
			width: (right - left) * scaleX,
			height: (bottom - top) * scaleY,
		};
		candidates.push({ box, score });
	}
	return candidates;
}
