import type { BoundingBox, Size } from '@facet/contracts';
import { SAMPLE_PHOTOS } from './sample-photos.ts';

/** A sample photo whose faces are known. */
export interface FacePhoto extends Size {
	readonly path: string;
	readonly faces: readonly PhotoFace[];
}

interface PhotoFace {
	/** The person's number: no other face of these photos has it. */
	readonly id: number;
	/** From the hairline to the chin, in pixels of the photo, measured by hand. */
	readonly box: BoundingBox;
}

export type FacePhotoName = 'sample1' | 'sample3' | 'sample4' | 'sample5' | 'sample6';

/**
 * The faces, from left to right. Three women are probably in two photos each (1 and 3, 1 and 4, 4 and 6): what counts
 * persons must not show the two together.
 */
export const FACE_PHOTOS: Readonly<Record<FacePhotoName, FacePhoto>> = {
	sample1: photo(1, 1280, [
		[430, 345, 151, 248],
		[837, 414, 176, 235],
		[1475, 186, 197, 252],
	]),
	sample3: photo(3, 1350, [
		[580, 326, 202, 273],
		[1078, 192, 206, 315],
		[1518, 277, 176, 286],
	]),
	sample4: photo(4, 1448, [
		[254, 173, 164, 260],
		[663, 58, 160, 256],
		[994, 159, 151, 260],
		[1283, 139, 134, 252],
	]),
	sample5: photo(5, 1398, [
		[400, 872, 172, 290],
		[609, 376, 155, 281],
		[763, 99, 181, 244],
		[1113, 206, 130, 239],
		[1423, 380, 168, 277],
	]),
	sample6: photo(6, 1537, [
		[267, 495, 202, 277],
		[666, 329, 176, 290],
		[1173, 316, 193, 260],
		[1490, 250, 202, 290],
	]),
};

function photo(
	number: number,
	height: number,
	boxes: readonly (readonly [number, number, number, number])[],
): FacePhoto {
	const path = SAMPLE_PHOTOS[number - 1]?.path;
	if (path === undefined)
		throw new RangeError(`Expected the number of a sample photo but received ${number}`);
	return {
		path,
		width: 1920,
		height,
		faces: boxes.map(([x, y, width, height], index) => ({
			id: 10 * number + index + 1,
			box: { x, y, width, height },
		})),
	};
}
