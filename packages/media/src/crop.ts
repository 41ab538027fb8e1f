import type { BoundingBox } from '@facet/contracts';
import sharp from 'sharp';
import { openPicture, type PictureLimits, toPictureError } from './picture.ts';

const JPEG_QUALITY = 90;

/**
 * Cuts regions out of a picture at full resolution.
 *
 * The picture is decoded once, and of it only the rectangle around all regions is kept.
 *
 * @param regions - whole-pixel rectangles inside the picture, in display space.
 * @returns a JPEG for each region, in their order.
 * @throws AppError `corrupt_media`, `processing_timeout`.
 */
export async function cropJpegs(
	source: string | Buffer,
	regions: readonly BoundingBox[],
	limits: PictureLimits,
): Promise<Buffer[]> {
	if (regions.length === 0) return [];
	const around = enclosing(regions);
	const { data, info } = await openPicture(source, limits)
		.extract(toExtract(around))
		.raw()
		.toBuffer({ resolveWithObject: true })
		.catch(toPictureError);
	const raw = { width: info.width, height: info.height, channels: info.channels };
	const jpegs: Buffer[] = [];
	// One after another: each takes a few milliseconds, and side by side they would only crowd out other jobs.
	for (const region of regions) {
		const inside = { ...region, x: region.x - around.x, y: region.y - around.y };
		jpegs.push(
			await sharp(data, { raw }).extract(toExtract(inside)).jpeg({ quality: JPEG_QUALITY }).toBuffer(),
		);
	}
	return jpegs;
}

function enclosing(regions: readonly BoundingBox[]): BoundingBox {
	const x = Math.min(...regions.map((region) => region.x));
	const y = Math.min(...regions.map((region) => region.y));
	return {
		x,
		y,
		width: Math.max(...regions.map((region) => region.x + region.width)) - x,
		height: Math.max(...regions.map((region) => region.y + region.height)) - y,
	};
}

function toExtract({ x, y, width, height }: BoundingBox) {
	return { left: x, top: y, width, height };
}
