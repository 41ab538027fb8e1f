import { intersectionOverUnion } from './box-overlap.ts';
import type { Candidate } from './engine.ts';

/** Width of the Gaussian, as its authors use it. */
const SIGMA = 0.5;

export interface SoftSuppressionOptions {
	/** Boxes that overlap at most this much (intersection over union) leave each other alone. */
	readonly iouThreshold: number;
	/** Below this score a candidate is let go. */
	readonly leastScore: number;
}

/**
 * Soft-NMS (Bodla et al., "Soft-NMS: improving object detection with one line of code", ICCV 2017): what overlaps a better
 * candidate is not dropped but loses score, by a Gaussian of the overlap, since it may be a face behind that one or the
 * better box of the same face. Unlike there, small overlaps cost nothing.
 *
 * @param faces - boxes that stay, and from which `others` lose score.
 * @returns what is left of `others`, best first.
 */
export function softenOverlaps<Other extends Candidate>(
	faces: readonly Pick<Candidate, 'box'>[],
	others: readonly Other[],
	{ iouThreshold, leastScore }: SoftSuppressionOptions,
): Other[] {
	const soften = (candidates: readonly Other[], { box }: Pick<Candidate, 'box'>): Other[] =>
		candidates
			.map((candidate) => {
				const overlap = intersectionOverUnion(box, candidate.box);
				const kept = overlap > iouThreshold ? Math.exp(-(overlap ** 2) / SIGMA) : 1;
				return { ...candidate, score: candidate.score * kept };
			})
			.filter(({ score }) => score >= leastScore);
	const left: Other[] = [];
	let remaining = faces.reduce(soften, others.slice());
	while (remaining.length > 0) {
		const best = remaining.reduce((a, b) => (b.score > a.score ? b : a));
		left.push(best);
		remaining = soften(
			remaining.filter((candidate) => candidate !== best),
			best,
		);
	}
	return left;
}
