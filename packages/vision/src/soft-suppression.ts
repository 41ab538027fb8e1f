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
	let remaining = others.map((candidate) => ({ candidate, score: candidate.score }));
	// In place: there are hundreds of them, of which few are left.
	const soften = ({ box }: Pick<Candidate, 'box'>) => {
		for (const other of remaining) {
			const overlap = intersectionOverUnion(box, other.candidate.box);
			if (overlap > iouThreshold) other.score *= Math.exp(-(overlap ** 2) / SIGMA);
		}
		remaining = remaining.filter(({ score }) => score >= leastScore);
	};
	for (const face of faces) soften(face);
	const left: Other[] = [];
	while (remaining.length > 0) {
		const best = remaining.reduce((a, b) => (b.score > a.score ? b : a));
		left.push({ ...best.candidate, score: best.score });
		remaining = remaining.filter((other) => other !== best);
		soften(best.candidate);
	}
	return left;
}
