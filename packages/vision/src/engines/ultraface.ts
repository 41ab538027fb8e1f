import { type BoundingBox, boxArea, clipBox, type RgbImage, type Size } from '@facet/contracts';
import { z } from 'zod';
import { intersectionOverUnion } from '../box-overlap.ts';
import type { Candidate, Engine, EngineKind } from '../engine.ts';
import { type Model, thresholdsOf } from '../model-registry.ts';
import { cutAtHeads } from '../network-heads.ts';
import { type AgreedFace, fuseViews, type Sighting } from '../non-maximum-suppression.ts';
import type { OnnxSession } from '../onnx-session.ts';
import { PlaneStock } from '../plane-stock.ts';
import type { PlaneTarget } from '../plane-target.ts';
import { mirrorPlanes, resampleRegion } from '../resample.ts';
import { isCutByTile, tileGrid } from '../tiling.ts';
import type { WorkDivision } from '../work-division.ts';
import { decodeUltraFace } from './ultraface-anchors.ts';

/** UltraFace's part of a `MODELS.json` entry. */
const parametersSchema = z.object({
	/**
	 * Longest side to decode pictures to, in pixels: that of a 2x2 grid of tiles at the network's width, so that the tiles
	 * of pictures that were scaled down need no scaling of their own.
	 */
	inputSide: z.int().positive(),
	/** Part of a tile's side that it shares with the next one. */
	tileOverlap: z.number().min(0).max(0.9),
	/** A box that ends this close to a tile's inner edge counts as cut by it, as a part of the tile's side. */
	tileMargin: z.number().min(0).max(0.5),
	/** Tiles that show a face with a score in this range, or one that no other tile shows, are looked at in the mirror too. */
	doubt: z.object({ from: z.number(), to: z.number() }),
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

/** One look at a tile of a picture. */
interface TileLook {
	readonly tile: BoundingBox;
	readonly side: 'plain' | 'mirrored';
}

/**
 * UltraFace RFB-320 (https://github.com/Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB): 4420 anchors on
 * 320 x 240 pixels, boxes only.
 *
 * At that size a face needs some 10 pixels, so the network looks at the whole frame for large faces and at 2x2
 * overlapping tiles for small ones, and the views vote. Where they leave a face in doubt, they are taken in the mirror
 * too: everywhere would be twice the time (docs/performance.md has what that brings).
 */
export const ultraFace: EngineKind = {
	kind: 'ultraface',
	expects: 'outputs named scores [1,N,2] and boxes [1,N,4]',
	recognises: ({ outputs }) =>
		outputs.length === 2 &&
		outputs.some(({ name, shape }) => name === 'scores' && shape.at(-1) === 2) &&
		outputs.some(({ name, shape }) => name === 'boxes' && shape.at(-1) === 4),
	change: cutAtHeads,
	create: createUltraFace,
};

function createUltraFace(model: Model, session: OnnxSession, division: WorkDivision): Engine {
	const parameters = parametersSchema.parse(model.parameters);
	const thresholds = thresholdsOf(model);
	const stock = new PlaneStock(3 * model.input.width * model.input.height);

	const lookAt = division.divide<TileLook, Candidate[]>('ultraface', (image, look) =>
		stock.lend((planes) => runTile(session, model, image, look, { planes, ...parameters })),
	);

	const isWhole = (box: BoundingBox, tile: BoundingBox, image: Size) =>
		!isCutByTile(box, tile, image, parameters.tileMargin);

	/** What the network sees in the tiles of views, of which the first has the number `firstView`. */
	async function look(
		image: RgbImage,
		views: readonly Grid[],
		side: TileLook['side'],
		firstView = 0,
	): Promise<Sighting[]> {
		const tiles = views.flatMap((grid, index) => grid.map((tile) => ({ tile, view: firstView + index })));
		const seen = await lookAt(
			image,
			tiles.map(({ tile }) => ({ tile, side })),
		);
		return tiles.flatMap(({ tile, view }, index) =>
			(seen[index] ?? [])
				.filter(({ box }) => isWhole(box, tile, image))
				.map(({ box, score }) => ({ box, score, view })),
		);
	}

	/** The faces of views, each of which is the tiles that were looked at. */
	function fuse(image: Size, sightings: readonly Sighting[], views: readonly Grid[]): AgreedFace[] {
		return fuseViews(sightings, {
			iouThreshold: thresholds.iou,
			containment: parameters.containment,
			agreement: parameters.agreement,
			unseenScore: parameters.candidateScore,
			viewCount: views.length,
			canSee: (view, box) => views[view]?.some((tile) => isWhole(box, tile, image)) ?? false,
		});
	}

	/** The faces that the grids' tiles show. Each grid is a view of the image, and its doubtful tiles in the mirror are. */
	async function findFaces(image: RgbImage, views: readonly Grid[]): Promise<Candidate[]> {
		const sightings = await look(image, views, 'plain');
		const faces = fuse(image, sightings, views);
		const doubtful = faces.filter((face) => isDoubtful(face, parameters));
		if (doubtful.length === 0) return faces;
		const mirrored = views.map((tiles) =>
			tiles.filter((tile) => doubtful.some(({ box }) => isWhole(box, tile, image))),
		);
		sightings.push(...(await look(image, mirrored, 'mirrored', views.length)));
		return fuse(image, sightings, [...views, ...mirrored]);
	}

	/**
	 * Looks for a face that fills the frame when nothing else was found. That is decided by the model's own threshold,
	 * so that an override changes what is reported and nothing else.
	 */
	async function withCloseUps(image: RgbImage, faces: readonly Candidate[]): Promise<readonly Candidate[]> {
		if (faces.some((face) => face.score >= thresholds.score)) return faces;
		const views = [[withBorder(image)]];
		const found = fuse(image, await look(image, views, 'plain'), views);
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
			const faces = await withCloseUps(image, await findFaces(image, grids));
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
 *
 * @param planes - of anything.
 */
function sampleTile(model: Model, image: RgbImage, tile: BoundingBox, planes: Float32Array): PlaneTarget {
	const { width: planeWidth, height: planeHeight } = model.input;
	const zoom = Math.min(planeWidth / tile.width, planeHeight / tile.height);
	const width = Math.max(1, Math.round(tile.width * zoom));
	const height = Math.max(1, Math.round(tile.height * zoom));
	const target = { planes, planeWidth, planeHeight, width, height, ...model.normalisation };
	// Most often the tile has the planes' width, and only rows are left over.
	const written = width === planeWidth ? height * planeWidth : 0;
	const size = planeWidth * planeHeight;
	for (let plane = 0; plane < planes.length; plane += size) planes.fill(0, plane + written, plane + size);
	resampleRegion(image, tile, target);
	return target;
}

/** Runs the network on a tile; what it sees, in pixels of the image that the tile lies in. */
async function runTile(
	session: OnnxSession,
	model: Model,
	image: RgbImage,
	{ tile, side }: TileLook,
	{ planes, candidateScore, smallestFace }: Parameters & { readonly planes: Float32Array },
): Promise<Candidate[]> {
	const target = sampleTile(model, image, tile, planes);
	if (side === 'mirrored') mirrorPlanes(target);
	const { planeWidth, planeHeight, width, height } = target;
	const outputs = await session.run(planes, [1, 3, planeHeight, planeWidth]);
	const input = { width: planeWidth, height: planeHeight };
	const scaleX = tile.width / width;
	const scaleY = tile.height / height;
	return decodeUltraFace(outputs.values(), input, candidateScore)
		.filter(({ box }) => boxArea(box) >= smallestFace ** 2)
		.map(({ score, box }) => ({
			score,
			box: {
				x: tile.x + (side === 'mirrored' ? width - box.x - box.width : box.x) * scaleX,
				y: tile.y + box.y * scaleY,
				width: box.width * scaleX,
				height: box.height * scaleY,
			},
		}));
}

/** What one view saw alone may be a pattern, whatever its score. */
function isDoubtful({ score, seenBy }: AgreedFace, { doubt }: Parameters): boolean {
	return score >= doubt.from && (score < doubt.to || seenBy === 1);
}

function trim(box: BoundingBox, { trim: { top, bottom } }: Parameters): BoundingBox {
	return { ...box, y: box.y + top * box.height, height: box.height * (1 - top + bottom) };
}
