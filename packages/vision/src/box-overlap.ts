import { type BoundingBox, boxArea } from '@facet/contracts';

/** Shared area over joint area, 0..1. */
export function intersectionOverUnion(a: BoundingBox, b: BoundingBox): number {
	const shared = intersection(a, b);
	return shared === 0 ? 0 : shared / (boxArea(a) + boxArea(b) - shared);
}

/** Shared area over the smaller box's area, 0..1: near 1 when one box lies inside the other. */
export function intersectionOverSmaller(a: BoundingBox, b: BoundingBox): number {
	const shared = intersection(a, b);
	return shared === 0 ? 0 : shared / Math.min(boxArea(a), boxArea(b));
}

/** Area that two boxes share, in square pixels. */
function intersection(a: BoundingBox, b: BoundingBox): number {
	const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
	const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
	return width > 0 && height > 0 ? width * height : 0;
}
