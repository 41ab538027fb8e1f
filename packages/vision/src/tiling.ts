import type { BoundingBox, Size } from '@facet/contracts';

/**
 * Cuts an image into `divisions` x `divisions` tiles of the image's own aspect, which overlap their neighbours. Tiles are
 * whole pixels, so that one of the network's own size is copied and not resampled.
 *
 * @param overlap - the part of a tile's side that it shares with the next one, 0..1; more by as much as rounding makes it.
 */
export function tileGrid(image: Size, divisions: number, overlap: number): BoundingBox[] {
	const span = divisions - (divisions - 1) * overlap;
	const width = Math.max(1, Math.round(image.width / span));
	const height = Math.max(1, Math.round(image.height / span));
	const start = (length: number, side: number, index: number) =>
		divisions === 1 ? 0 : Math.round((index * (length - side)) / (divisions - 1));
	const tiles: BoundingBox[] = [];
	for (let row = 0; row < divisions; row++) {
		for (let column = 0; column < divisions; column++) {
			const x = start(image.width, width, column);
			const y = start(image.height, height, row);
			tiles.push({ x, y, width, height });
		}
	}
	return tiles;
}

/**
 * Whether a box ends beyond, or close to, an edge that the tile has but the image has not: the face probably goes on
 * there, half of it was seen, and a neighbour or the whole frame sees all of it.
 *
 * @param margin - what counts as close, as a part of the tile's sides.
 */
export function isCutByTile(box: BoundingBox, tile: BoundingBox, image: Size, margin: number): boolean {
	const left = tile.x + tile.width * margin;
	const top = tile.y + tile.height * margin;
	const right = tile.x + tile.width * (1 - margin);
	const bottom = tile.y + tile.height * (1 - margin);
	// Half a pixel of tolerance: an edge tile's edge is the image's edge but for rounding.
	return (
		(tile.x > 0.5 && box.x < left) ||
		(tile.y > 0.5 && box.y < top) ||
		(tile.x + tile.width < image.width - 0.5 && box.x + box.width > right) ||
		(tile.y + tile.height < image.height - 0.5 && box.y + box.height > bottom)
	);
}
