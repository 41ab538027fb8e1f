import type { BoundingBox, Size } from '@facet/contracts';

/** A part of an image that the network looks at by itself. */
export interface Tile {
	readonly region: BoundingBox;
	/** Scale of the tile's grid: 1 is the whole image, 2 a tile of a 2x2 grid. */
	readonly divisions: number;
}

/**
 * Cuts an image into `divisions` x `divisions` tiles of the image's own aspect, which overlap their neighbours.
 *
 * @param overlap - the part of a tile's side that it shares with the next one, 0..1.
 */
export function tileGrid(image: Size, divisions: number, overlap: number): Tile[] {
	const span = divisions - (divisions - 1) * overlap;
	const width = image.width / span;
	const height = image.height / span;
	const tiles: Tile[] = [];
	for (let row = 0; row < divisions; row++) {
		for (let column = 0; column < divisions; column++) {
			const x = column * width * (1 - overlap);
			const y = row * height * (1 - overlap);
			tiles.push({ region: { x, y, width, height }, divisions });
		}
	}
	return tiles;
}

/**
 * Whether a box found in a tile comes close to an edge that the tile has but the image has not: the face probably goes
 * on beyond it, and a neighbour or the whole frame sees all of it.
 *
 * @param margin - what counts as close, as a part of the tile's sides.
 */
export function isCutByTile(box: BoundingBox, tile: Tile, image: Size, margin: number): boolean {
	const { x, y, width, height } = tile.region;
	const marginX = width * margin;
	const marginY = height * margin;
	// Half a pixel of tolerance: the last tile's edge is the image's edge but for rounding.
	return (
		(x > 0.5 && box.x < x + marginX) ||
		(y > 0.5 && box.y < y + marginY) ||
		(x + width < image.width - 0.5 && box.x + box.width > x + width - marginX) ||
		(y + height < image.height - 0.5 && box.y + box.height > y + height - marginY)
	);
}
