import { type BoundingBox, enclosingBox, type RgbImage } from '@facet/contracts';
import sharp from 'sharp';
import { openPicture, type PictureLimits, toPictureError } from './picture.ts';
import { withPicture } from './picture-file.ts';

/**
 * Without Huffman tables made for each crop: the same pixels, a few percent larger, for half of the time, since these need
 * a second run over all coefficients.
 */
const JPEG = { quality: 90, optimiseCoding: false } as const;

/**
 * Cuts regions out of a picture at full resolution.
 *
 * The picture is decoded once, and of it only the rectangle around all regions is kept.
 *
 * @param regions - whole-pixel rectangles inside the picture, in display space.
 * @returns a JPEG for each region, in their order.
 * @throws AppError `corrupt_media`, `too_many_pixels`, `processing_timeout`.
 */
export async function cropJpegs(
	source: string | Buffer,
	regions: readonly BoundingBox[],
	limits: PictureLimits,
): Promise<Buffer[]> {
	if (regions.length === 0) return [];
	const around = enclosingBox(regions);
	const { data, info } = await withPicture(source, async (picture) => {
		const pixels = await openPicture(picture, limits);
		return pixels
			.extract(toExtract(around))
			.raw()
			.toBuffer({ resolveWithObject: true })
			.catch(toPictureError);
	});
	const inside = regions.map((region) => ({ ...region, x: region.x - around.x, y: region.y - around.y }));
	return cropFrameJpegs({ data, width: info.width, height: info.height }, inside);
}

/**
 * Cuts regions out of decoded pixels.
 *
 * @param regions - whole-pixel rectangles inside the image.
 * @returns a JPEG for each region, in their order.
 */
export async function cropFrameJpegs(image: RgbImage, regions: readonly BoundingBox[]): Promise<Buffer[]> {
	const raw = { width: image.width, height: image.height, channels: 3 as const };
	const jpegs: Buffer[] = [];
	// One after another: each takes a few milliseconds, and side by side they would only crowd out other jobs.
	for (const region of regions) {
		jpegs.push(await sharp(image.data, { raw }).extract(toExtract(region)).jpeg(JPEG).toBuffer());
	}
	return jpegs;
}

function toExtract({ x, y, width, height }: BoundingBox) {
	return { left: x, top: y, width, height };
}
