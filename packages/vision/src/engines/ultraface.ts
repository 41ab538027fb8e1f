import { type BoundingBox, boxArea, clipBox, type RgbImage, type Size } from '@facet/contracts';
import { z } from 'zod';
import { intersectionOverUnion } from '../box-overlap.ts';
import type { Candidate, Engine, EngineKind } from '../engine.ts';
import { type Model, thresholdsOf } from '../model-registry.ts';
import { fuseViews, type Sighting } from '../non-maximum-suppression.ts';
import { type OnnxSession, outputOf } from '../onnx-session.ts';
import { mirrorPlanes, type PlaneTarget, resampleRegion } from '../resample.ts';
import { isCutByTile, tileGrid } from '../tiling.ts';

/** UltraFace's part of a `MODELS.json` entry. */
const parametersSchema = z.object({
	/** Longest side to decode pictures to, in pixels: that of a 2x2 grid of tiles at the network's width. */
	inputSide: z.int().positive(),
	/** Part of a tile's side that it shares with the next one. */
	tileOverlap: z.number().min(0).max(0.9),
	/** A box that ends this close to a tile's inner edge counts as cut by it, as a part of the tile's side. */
	tileMargin: z.number().min(0).max(0.5),
	/** Whether each view is looked at in the mirror too. */
	mirrored: z.boolean(),
	/** Anchors below this score are no candidates, whatever the threshold. */
	candidateScore: z.number().min(0).max(1),
	/** Side of the smallest face in network pixels, which is that of the smallest anchor; what is smaller is noise. */
	smallestFace: z.number().positive(),
	/** A box of which this part lies inside a better one is a part of that face. */
	containment: z.number().min(0).max(1),
	/** What the views' mean score weighs against the best one. */
	agreement: z.number().min(0).max(1),
	/**
	 * What is cut off the network's boxes at the top and put on at the bottom, as a part of their height. They begin
	 * higher than people draw them and, on masked faces, end above the chin; this is half of the measured difference
	 * at the top, so that sets which draw the whole forehead lose little.
	 */
	trim: z.object({ top: z.number(), bottom: z.number() }),
});

type Parameters = z.infer<typeof parametersSchema>;

/** Least part of the picture that a face of a close-up takes. */
const CLOSE_UP_SHARE = 0.25;

/** The tiles that cover the picture at one scale. */
type Grid = readonly BoundingBox[];

/** In this order: mirroring turns the sampled pixels around in place, which saves sampling them again. */
type Side = 'plain' | 'mirrored';

/**
 * UltraFace RFB-320 (https://github.com/Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB): 4420 anchors on
 * 320 x 240 pixels, boxes only.
 *
 * At that size a face needs some 10 pixels, so the network looks at the whole frame for large faces and at 2x2
 * overlapping tiles for small ones, at both in the mirror too, and the views vote.
 */
export const ultraFace: EngineKind = {
	kind: 'ultraface',
	expects: 'outputs named scores [1,N,2] and boxes [1,N,4]',
	recognises: ({ outputs }) =>
		outputs.length === 2 &&
		outputs.some(({ name, shape }) => name === 'scores' && shape.at(-1) === 2) &&
		outputs.some(({ name, shape }) => name === 'boxes' && shape.at(-1) === 4),
	create: createUltraFace,
};

function createUltraFace(model: Model, session: OnnxSession): Engine {
	const parameters = parametersSchema.parse(model.parameters);
	const thresholds = thresholdsOf(model);

	/** The faces that the grids' tiles show. Each grid is a view of the image, and in the mirror another one. */
	async function findFaces(
		image: RgbImage,
		grids: readonly Grid[],
		sides: readonly Side[],
	): Promise<Candidate[]> {
		const isWhole = (box: BoundingBox, tile: BoundingBox) =>
			!isCutByTile(box, tile, image, parameters.tileMargin);
		const sightings: Sighting[] = [];
		for (const [grid, tiles] of grids.entries()) {
			// One tile after the other: a run blocks the thread anyway.
			for (const tile of tiles) {
				const sample = sampleTile(model, image, tile);
				for (const [index, side] of sides.entries()) {
					if (side === 'mirrored') mirrorPlanes(sample);
					const view = index * grids.length + grid;
					for (const { box, score } of await runTile(session, sample, tile, side, parameters)) {
						if (isWhole(box, tile)) sightings.push({ box, score, view });
					}
				}
			}
		}
		return fuseViews(sightings, {
			iouThreshold: thresholds.iou,
			containment: parameters.containment,
			agreement: parameters.agreement,
			unseenScore: parameters.candidateScore,
			viewCount: grids.length * sides.length,
			canSee: (view, box) => grids[view % grids.length]?.some((tile) => isWhole(box, tile)) ?? false,
		});
	}

	/**
	 * Looks for a face that fills the frame when nothing else was found. That is decided by the model's own threshold,
	 * so that an override changes what is reported and nothing else.
	 */
	async function withCloseUps(image: RgbImage, faces: readonly Candidate[]): Promise<readonly Candidate[]> {
		if (faces.some((face) => face.score >= thresholds.score)) return faces;
		const found = await findFaces(image, [[withBorder(image)]], ['plain']);
		const closeUps = found
			.filter((face) => isCloseUp(face.box, image))
			.map((face): Candidate => ({ ...face, pass: 'close_up' }));
		const others = faces.filter(
			(face) => !closeUps.some((closeUp) => intersectionOverUnion(closeUp.box, face.box) > thresholds.iou),
		);
		return [...closeUps, ...others];
	}

	return {
		inputSide: parameters.inputSide,
		scoreThreshold: thresholds.score,
		async detect(image, scoreThreshold) {
			const grids = [tileGrid(image, 1, 0), tileGrid(image, 2, parameters.tileOverlap)];
			const usual = await findFaces(image, grids, parameters.mirrored ? ['plain', 'mirrored'] : ['plain']);
			const faces = await withCloseUps(image, usual);
			return faces
				.filter((face) => face.score >= scoreThreshold)
				.map((face) => ({ ...face, box: trim(face.box, parameters) }));
		},
		close: () => session.close(),
	};
}

/**
 * The frame with a border of half its size around it. A face that fills the frame is larger than the largest anchor:
 * of 154 faces cropped to three quarters of their box, the usual views find 54, and with this one 120 are found.
 */
function withBorder({ width, height }: Size): BoundingBox {
	return { x: -width / 2, y: -height / 2, width: width * 2, height: height * 2 };
}

function isCloseUp(box: BoundingBox, image: Size): boolean {
	return boxArea(clipBox(box, image)) >= CLOSE_UP_SHARE * image.width * image.height;
}

/**
 * The network's input for a tile. The tile keeps its aspect, in the top-left corner; what is left over stays mid-grey,
 * which is 0.
 */
function sampleTile(model: Model, image: RgbImage, tile: BoundingBox): PlaneTarget {
	const { width: planeWidth, height: planeHeight } = model.input;
	const zoom = Math.min(planeWidth / tile.width, planeHeight / tile.height);
	const width = Math.max(1, Math.round(tile.width * zoom));
	const height = Math.max(1, Math.round(tile.height * zoom));
	const planes = new Float32Array(3 * planeWidth * planeHeight);
	const sample = { planes, planeWidth, planeHeight, width, height, ...model.normalisation };
	resampleRegion(image, tile, sample);
	return sample;
}

/** Runs the network on a sampled tile; what it sees, in pixels of the image that the tile lies in. */
async function runTile(
	session: OnnxSession,
	{ planes, planeWidth, planeHeight, width, height }: PlaneTarget,
	tile: BoundingBox,
	side: Side,
	{ candidateScore, smallestFace }: Parameters,
): Promise<Candidate[]> {
	const outputs = await session.run(planes, [1, 3, planeHeight, planeWidth]);
	const scores = outputOf(outputs, 'scores');
	const corners = outputOf(outputs, 'boxes');
	// Corners are relative to the input, of which the tile covers width x height.
	const scaleX = (planeWidth / width) * tile.width;
	const scaleY = (planeHeight / height) * tile.height;
	const smallestArea = (smallestFace * tile.width * smallestFace * tile.height) / (width * height);
	const candidates: Candidate[] = [];
	for (let anchor = 0; 2 * anchor < scores.length; anchor++) {
		const score = scores[2 * anchor + 1] ?? 0;
		if (score < candidateScore) continue;
		const left = (corners[4 * anchor] ?? 0) * scaleX;
		const top = (corners[4 * anchor + 1] ?? 0) * scaleY;
		const boxWidth = (corners[4 * anchor + 2] ?? 0) * scaleX - left;
		const boxHeight = (corners[4 * anchor + 3] ?? 0) * scaleY - top;
		if (boxWidth * boxHeight < smallestArea) continue;
		const x = tile.x + (side === 'mirrored' ? tile.width - left - boxWidth : left);
		candidates.push({ score, box: { x, y: tile.y + top, width: boxWidth, height: boxHeight } });
	}
	return candidates;
}

function trim(box: BoundingBox, { trim: { top, bottom } }: Parameters): BoundingBox {
	return { ...box, y: box.y + top * box.height, height: box.height * (1 - top + bottom) };
}
