import type { BoundingBox } from '@facet/contracts';
import { intersectionOverSmaller, intersectionOverUnion } from './box-overlap.ts';
import type { Candidate } from './engine.ts';
import { meanBox, SAME_BOX_IOU } from './fuse-looks.ts';

/** A candidate as one look at the picture gave it. */
export interface Sighting extends Candidate {
	/** Which look: an index into the views. */
	readonly view: number;
}

/** A face as the views agree on it. */
export interface AgreedFace extends Candidate {
	/** How many of the views saw it. */
	readonly seenBy: number;
}

export interface FusionOptions {
	/** Boxes that overlap more than this (intersection over union) show the same face. */
	readonly iouThreshold: number;
	/** Boxes of which more than this part lies inside a better one show a part of the same face. */
	readonly containment: number;
	/** What the views' mean weighs against the best sighting's score, 0..1. */
	readonly agreement: number;
	/** The score that stands for "not seen": the lowest that a sighting can have. */
	readonly unseenScore: number;
	readonly viewCount: number;
	/** Whether a view looks at all of the box. Views that do not have no say in its score. */
	readonly canSee: (view: number, box: BoundingBox) => boolean;
}

/**
 * Non-maximum suppression over several views of one picture. The best sighting of a face gives its score, which is drawn
 * towards the mean of what the views say of it: a true face is seen at every scale and in the mirror too, a chance pattern
 * mostly in one view. Its box is the mean of that sighting's and of those that nearly coincide with it, weighted by their
 * scores and over all views: which anchor of which view is the best hangs on noise, such as how a photo was stored.
 *
 * @returns each face once.
 */
export function fuseViews(sightings: readonly Sighting[], options: FusionOptions): AgreedFace[] {
	const faces: AgreedFace[] = [];
	let remaining = sightings.toSorted((a, b) => b.score - a.score);
	while (remaining.length > 0) {
		const [best, ...others] = remaining;
		if (best === undefined) break;
		const scores = new Map([[best.view, best.score]]);
		const alike = [best];
		remaining = others.filter((other) => {
			const overlap = intersectionOverUnion(best.box, other.box);
			if (overlap >= SAME_BOX_IOU) alike.push(other);
			const isSameFace = overlap > options.iouThreshold;
			// Sorted by score: the first sighting of each view is its best.
			if (isSameFace && !scores.has(other.view)) scores.set(other.view, other.score);
			return !isSameFace && intersectionOverSmaller(best.box, other.box) <= options.containment;
		});
		faces.push({
			box: meanBox(alike),
			score: best.score + options.agreement * (meanScore(best.box, scores, options) - best.score),
			seenBy: scores.size,
		});
	}
	return faces;
}

function meanScore(box: BoundingBox, scores: ReadonlyMap<number, number>, options: FusionOptions): number {
	let total = 0;
	let count = 0;
	for (let view = 0; view < options.viewCount; view++) {
		const score = scores.get(view);
		if (score === undefined && !options.canSee(view, box)) continue;
		total += score ?? options.unseenScore;
		count++;
	}
	return total / count;
}
