import type { BoundingBox, RgbImage } from '@facet/contracts';
import type { Candidate, Engine } from './engine.ts';
import { fuseLooks, type Look } from './fuse-looks.ts';
import { isCutByTile } from './tiling.ts';

/** Most pixels to decode: a face of 24 pixels in a picture of 36 megapixels keeps 16 of them, and 54 tiles cover it. */
const MOST_PIXELS = 16_000_000;

/** Part of a tile that it shares with the next one: a face as large as that was seen in the whole picture. */
const OVERLAP = 0.15;

/** A box that ends this close to a tile's inner edge is cut by it, as a part of the tile's side. */
const MARGIN = 0.02;

/** A face larger than this part of a tile is better seen in the whole picture, and mostly a pattern. */
const LARGEST_SHARE = 0.4;

/**
 * Looks for very small faces: in tiles, each as large as the network's input, of the picture at a larger size.
 *
 * @returns the larger picture, and its faces, each once, at or above the engine's threshold.
 */
export async function findTileFaces(
	engine: Engine,
	decode: (maxPixels: number) => Promise<RgbImage>,
): Promise<{ image: RgbImage; candidates: Candidate[] }> {
	const image = await decode(MOST_PIXELS);
	const looks: Look[] = [];
	for (const tile of tilesOf(image, engine.inputSide)) {
		const candidates = await lookAtTile(engine, image, tile);
		const whole = candidates.filter(
			({ box }) =>
				!isCutByTile(box, tile, image, MARGIN) &&
				Math.max(box.width, box.height) < LARGEST_SHARE * tile.width,
		);
		// Tiles have a say in what they found only: a face that two of them show is not seen whole by both.
		looks.push({ candidates: whole, sees: () => false });
	}
	return { image, candidates: fuseLooks(looks).filter(({ score }) => score >= engine.scoreThreshold) };
}

/** Squares of `side` pixels, or what the picture has of them, evenly spread. */
function tilesOf({ width, height }: RgbImage, side: number): BoundingBox[] {
	const starts = (length: number) => {
		const count = Math.max(1, Math.ceil((length - OVERLAP * side) / (side * (1 - OVERLAP))));
		const step = count === 1 ? 0 : (length - side) / (count - 1);
		return Array.from({ length: count }, (_, index) => Math.round(index * step));
	};
	return starts(height).flatMap((y) =>
		starts(width).map((x) => ({
			x: Math.max(0, x),
			y: Math.max(0, y),
			width: Math.min(side, width),
			height: Math.min(side, height),
		})),
	);
}

async function lookAtTile(engine: Engine, image: RgbImage, tile: BoundingBox): Promise<Candidate[]> {
	const { look, scoreThreshold } = engine;
	if (look !== undefined) return look(image, tile, scoreThreshold);
	const found = await engine.detect(cutOut(image, tile), scoreThreshold);
	return found.map((face) => ({
		...face,
		box: { ...face.box, x: face.box.x + tile.x, y: face.box.y + tile.y },
	}));
}

function cutOut({ data, width }: RgbImage, tile: BoundingBox): RgbImage {
	const row = 3 * tile.width;
	const cut = new Uint8Array(row * tile.height);
	for (let y = 0; y < tile.height; y++) {
		const from = 3 * ((tile.y + y) * width + tile.x);
		cut.set(data.subarray(from, from + row), y * row);
	}
	return { data: cut, width: tile.width, height: tile.height };
}
