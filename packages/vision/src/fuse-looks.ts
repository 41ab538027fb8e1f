import type { BoundingBox } from '@facet/contracts';
import { intersectionOverUnion } from './box-overlap.ts';
import type { Candidate } from './engine.ts';
import { softenOverlaps } from './soft-suppression.ts';

/** What one run of a network on a picture gave: each face as often as anchors saw it. */
export interface Look {
	readonly candidates: readonly Candidate[];
	/** Whether this look could see a face of this box well; where not, it has no say in the face's score. */
	readonly sees: (box: BoundingBox) => boolean;
}

export interface FusedFace extends Candidate {
	/** Index of the look that was surest of the face. */
	readonly look: number;
}

/** What one look saw at one anchor. */
interface Sighting {
	readonly candidate: Candidate;
	/** Its index. */
	readonly look: number;
}

interface SightedFace {
	readonly best: Sighting;
	/** The best score of each look that saw it. */
	readonly scores: Map<number, number>;
	/** Boxes that nearly coincide with the best one, itself included. */
	readonly alike: Candidate[];
}

export interface LookFusionOptions {
	/** Keep what overlaps a face down to this score, at a score that soft-NMS lowers; by default it is dropped. */
	readonly softDownTo?: number | undefined;
}

/** Boxes that overlap more than this show the same face. */
const SAME_FACE_IOU = 0.4;

/** Boxes that overlap at least this much have a say in where the face's box is. */
export const SAME_BOX_IOU = 0.7;

/** The score that stands for "not seen". */
const UNSEEN = 0.02;

/** From this score on a network's own box is good. */
const SURE_BOX = 0.8;

/**
 * Weighted box fusion (Solovyev et al., "Weighted boxes fusion", 2021) of all anchors of all looks: a face's box is the
 * mean of the boxes that nearly coincide with its best one, weighted by their scores; its score is the mean of what the
 * looks say. Of faces that the network is sure of, and that one look saw, the network's own box stays.
 *
 * @returns each face once, best first; with `softDownTo` the boxes that overlap it too. Landmarks are those of the best
 * anchor.
 */
export function fuseLooks(looks: readonly Look[], { softDownTo }: LookFusionOptions = {}): FusedFace[] {
	const sightings = looks
		.flatMap(({ candidates }, look) => candidates.map((candidate): Sighting => ({ candidate, look })))
		.sort((a, b) => b.candidate.score - a.candidate.score);
	const faces: SightedFace[] = [];
	const overlapping: Sighting[] = [];
	for (const sighting of sightings) {
		const { box } = sighting.candidate;
		let isNew = true;
		for (const face of faces) {
			const overlap = intersectionOverUnion(face.best.candidate.box, box);
			if (overlap <= SAME_FACE_IOU) continue;
			if (overlap >= SAME_BOX_IOU) face.alike.push(sighting.candidate);
			// Sorted by score: the first of each look is its best.
			if (isNew && !face.scores.has(sighting.look)) face.scores.set(sighting.look, sighting.candidate.score);
			isNew = false;
		}
		if (isNew) {
			const scores = new Map([[sighting.look, sighting.candidate.score]]);
			faces.push({ best: sighting, scores, alike: [sighting.candidate] });
		} else overlapping.push(sighting);
	}
	const fused = faces.map(({ best: { candidate, look }, scores, alike }) => ({
		...candidate,
		box: candidate.score >= SURE_BOX && scores.size === 1 ? candidate.box : meanBox(alike),
		score: meanScore(candidate.box, scores, looks),
		look,
	}));
	const softened =
		softDownTo === undefined
			? []
			: softenOverlaps(
					faces.map(({ best }) => best.candidate),
					overlapping.map(({ candidate, look }) => ({ ...candidate, look })),
					{ iouThreshold: SAME_FACE_IOU, leastScore: softDownTo },
				);
	return [...fused, ...softened].sort((a, b) => b.score - a.score);
}

/** The mean of boxes, weighted by their scores. */
export function meanBox(candidates: readonly Candidate[]): BoundingBox {
	let total = 0;
	const sum = { x: 0, y: 0, width: 0, height: 0 };
	for (const { box, score } of candidates) {
		total += score;
		sum.x += score * box.x;
		sum.y += score * box.y;
		sum.width += score * box.width;
		sum.height += score * box.height;
	}
	return { x: sum.x / total, y: sum.y / total, width: sum.width / total, height: sum.height / total };
}

function meanScore(box: BoundingBox, scores: ReadonlyMap<number, number>, looks: readonly Look[]): number {
	let total = 0;
	let count = 0;
	for (const [index, { sees }] of looks.entries()) {
		const score = scores.get(index);
		if (!sees(box) && (score === undefined || scores.size > 1)) continue;
		total += score ?? UNSEEN;
		count++;
	}
	return count === 0 ? Math.max(...scores.values()) : total / count;
}
