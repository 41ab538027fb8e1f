import type { BoundingBox, RgbImage } from '@facet/contracts';

/**
 * The pixels of one region, by themselves: of a full frame, only these need to go to another process.
 *
 * @param region - whole pixels inside the image.
 */
export function cutOut({ data, width }: RgbImage, region: BoundingBox): RgbImage {
	const rowBytes = region.width * 3;
	const piece = new Uint8Array(rowBytes * region.height);
	for (let row = 0; row < region.height; row += 1) {
		const start = ((region.y + row) * width + region.x) * 3;
		piece.set(data.subarray(start, start + rowBytes), row * rowBytes);
	}
	return { data: piece, width: region.width, height: region.height };
}
