import { intersectionOverUnion } from '../box-overlap.ts';
import type { Candidate } from '../engine.ts';

/**
 * Plain non-maximum suppression: of boxes that overlap more than `iouThreshold`, the one with the best score.
 *
 * @returns best first.
 */
export function suppressOverlaps(candidates: readonly Candidate[], iouThreshold: number): Candidate[] {
	const kept: Candidate[] = [];
	for (const candidate of candidates.toSorted((a, b) => b.score - a.score)) {
		if (kept.every(({ box }) => intersectionOverUnion(box, candidate.box) <= iouThreshold)) {
			kept.push(candidate);
		}
	}
	return kept;
}
