import type { BoundingBox, Detection } from '@facet/contracts';
import type { CurvePoint } from './precision-recall.ts';
import type { WiderPhoto, WiderSubset } from './wider-face.ts';

/** A photo's faces, and what was found. */
export interface WiderResult extends Pick<WiderPhoto, 'boxes' | 'subsets'> {
	readonly detections: readonly Detection[];
}

const THRESHOLDS = 1000;
const MATCH_IOU = 0.5;

/** What the detections of a photo come to, best first: those that count, and the faces found with each more. */
interface Tally {
	readonly score: number;
	readonly counted: number;
	readonly found: number;
}

/**
 * WIDER FACE's own curve (`eval_tools` of http://shuoyang1213.me/WIDERFACE/): scores are stretched to 0..1 over the whole
 * set, and precision and recall are taken at a thousand thresholds. A detection of a face that the subset does not want
 * does not count; a second one of the same face does, as a false alarm.
 */
export function widerCurve(results: readonly WiderResult[], subset: WiderSubset | 'all'): CurvePoint[] {
	const scores = results.flatMap(({ detections }) => detections.map(({ score }) => score));
	const lowest = scores.reduce((least, score) => Math.min(least, score), Number.POSITIVE_INFINITY);
	const highest = scores.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY);
	const stretch = (score: number) => (score - lowest) / (highest - lowest || 1);
	const counted = new Float64Array(THRESHOLDS);
	const found = new Float64Array(THRESHOLDS);
	let wanted = 0;
	for (const result of results) {
		wanted += result.subsets.get(subset)?.length ?? 0;
		if (result.boxes.length === 0) continue;
		const tallies = tally(result, subset);
		let last = -1;
		for (let threshold = 0; threshold < THRESHOLDS; threshold++) {
			const least = 1 - (threshold + 1) / THRESHOLDS;
			while (last + 1 < tallies.length && stretch(tallies[last + 1]?.score ?? 0) >= least) last++;
			counted[threshold] = (counted[threshold] ?? 0) + (tallies[last]?.counted ?? 0);
			found[threshold] = (found[threshold] ?? 0) + (tallies[last]?.found ?? 0);
		}
	}
	return [...counted].map((count, threshold) => ({
		precision: count === 0 ? 1 : (found[threshold] ?? 0) / count,
		recall: (found[threshold] ?? 0) / wanted,
	}));
}

function tally({ boxes, subsets, detections }: WiderResult, subset: WiderSubset | 'all'): Tally[] {
	const wanted = new Set(subsets.get(subset) ?? []);
	const seen = new Set<number>();
	let counted = 0;
	let found = 0;
	return detections
		.toSorted((a, b) => b.score - a.score)
		.map(({ box, score }) => {
			const { face, overlap } = nearest(box, boxes);
			const isIgnored = overlap >= MATCH_IOU && !wanted.has(face);
			if (!isIgnored) counted++;
			if (overlap >= MATCH_IOU && wanted.has(face) && !seen.has(face)) {
				seen.add(face);
				found++;
			}
			return { score, counted, found };
		});
}

function nearest(box: BoundingBox, boxes: readonly BoundingBox[]): { face: number; overlap: number } {
	let face = -1;
	let overlap = 0;
	for (const [index, other] of boxes.entries()) {
		const shared = overlapInPixels(box, other);
		if (shared > overlap) {
			face = index;
			overlap = shared;
		}
	}
	return { face, overlap };
}

/** Intersection over union as there: corners are pixels that belong to the box. */
function overlapInPixels(a: BoundingBox, b: BoundingBox): number {
	const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x) + 1;
	const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y) + 1;
	if (width <= 0 || height <= 0) return 0;
	const area = (box: BoundingBox) => (box.width + 1) * (box.height + 1);
	return (width * height) / (area(a) + area(b) - width * height);
}
