import { type BoundingBox, clipBox, roundBox, type Size } from './geometry.ts';

/**
 * The rectangle that a face's crop is cut from: the face's whole-pixel box grown on all four sides by a third of its
 * width, clipped to the picture. `[80,50,150,180]` becomes `[30,0,250,280]`.
 */
export function cropRegion(face: BoundingBox, picture: Size): BoundingBox {
	const box = roundBox(face);
	const margin = Math.round(box.width / 3);
	return clipBox(
		{
			x: box.x - margin,
			y: box.y - margin,
			width: box.width + 2 * margin,
			height: box.height + 2 * margin,
		},
		picture,
	);
}
