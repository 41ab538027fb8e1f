import type { BoundingBox } from '@facet/contracts';
import { boxArea } from '@facet/contracts';
import type { Candidate } from './engine.ts';

/** Area that two boxes share, in square pixels. */
function intersection(a: BoundingBox, b: BoundingBox): number {
	const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
	const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
	return width > 0 && height > 0 ? width * height : 0;
}

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

/**
 * Greedy non-maximum suppression: keeps the best candidate, drops those that are the same face, goes on with the best
 * that is left.
 *
 * @param isSame - whether a weaker candidate shows the face that a kept one shows already.
 * @returns the kept candidates, best first.
 */
export function suppressNonMaxima(
	candidates: readonly Candidate[],
	isSame: (kept: BoundingBox, weaker: BoundingBox) => boolean,
): Candidate[] {
	const kept: Candidate[] = [];
	for (const candidate of candidates.toSorted((a, b) => b.score - a.score)) {
		if (!kept.some((better) => isSame(better.box, candidate.box))) kept.push(candidate);
	}
	return kept;
}
