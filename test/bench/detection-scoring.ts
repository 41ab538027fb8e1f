import type { BoundingBox, Detection, FaceLandmarks, Point } from '@facet/contracts';
import { areaUnder, type CurvePoint, curveOf, type Verdict } from './precision-recall.ts';

/** The scoring of detections against ground truth: matching, average precision, landmark error. Pure. */

/** Left and right eye, nose, left and right mouth corner; left as seen in the picture. */
export type FivePoints = readonly [Point, Point, Point, Point, Point];

export interface TrueFace {
	readonly box: BoundingBox;
	/** Ignored faces are neither wanted nor wrong: they count no miss, and what finds them no false alarm. */
	readonly ignored: boolean;
	readonly landmarks?: FivePoints;
}

/** A photo's faces, as they are and as they were found. */
export interface ScoredPhoto {
	readonly truth: readonly TrueFace[];
	readonly detections: readonly Detection[];
	/**
	 * Detections with a side shorter than this that are of no true face do not count, as in COCO's evaluation by area:
	 * the faces of that size are ignored, so what finds one that was not even drawn is no false alarm. In pixels.
	 */
	readonly smallestFace?: number;
}

/** Matching needs this much overlap (intersection over union), as in PASCAL VOC and WIDER FACE. */
const MATCH_IOU = 0.5;

/**
 * Landmarks are compared on faces that overlap this much. Less than for boxes, because sets with landmarks draw boxes
 * from brow to chin, and a tight box is no reason not to look at the points in it.
 */
const LANDMARK_MATCH_IOU = 0.3;

/** The precision-recall curve of all the photos together. */
export function precisionRecallCurve(photos: readonly ScoredPhoto[]): CurvePoint[] {
	return curveOf(photos.flatMap(judge), countWanted(photos));
}

/** Average precision, see `areaUnder`. */
export function averagePrecision(photos: readonly ScoredPhoto[]): number {
	return areaUnder(precisionRecallCurve(photos));
}

export interface PrecisionAndRecall {
	readonly precision: number;
	readonly recall: number;
}

/** Precision and recall of all the detections together. NaN where there is nothing to divide by. */
export function precisionAndRecall(photos: readonly ScoredPhoto[]): PrecisionAndRecall {
	const verdicts = photos.flatMap(judge);
	const found = verdicts.filter(({ isTrue }) => isTrue).length;
	return { precision: found / verdicts.length, recall: found / countWanted(photos) };
}

export interface LandmarkError {
	/** Mean over faces of: mean distance of the five points, divided by the true distance of the eyes. */
	readonly nme: number;
	readonly faces: number;
	/** Faces with known landmarks that were not detected, and so are not in the mean. */
	readonly missed: number;
}

/** Normalised mean error of the landmarks, on detected faces. */
export function landmarkError(photos: readonly ScoredPhoto[]): LandmarkError {
	const errors: number[] = [];
	let missed = 0;
	for (const { truth, detections } of photos) {
		for (const { box, landmarks } of truth) {
			if (landmarks === undefined) continue;
			const found = bestOverlap(box, detections, LANDMARK_MATCH_IOU);
			if (found === undefined) missed++;
			else errors.push(normalisedError(toFivePoints(found.landmarks), landmarks));
		}
	}
	return { nme: sum(errors) / errors.length, faces: errors.length, missed };
}

/**
 * Gives each detection, best first, the free true face that it overlaps most. Detections that overlap an ignored face
 * instead have no verdict.
 */
function judge({ truth, detections, smallestFace = 0 }: ScoredPhoto): Verdict[] {
	const free = new Set(truth.filter((face) => !face.ignored));
	const ignored = truth.filter((face) => face.ignored);
	const verdicts: Verdict[] = [];
	for (const { box, score } of detections.toSorted((a, b) => b.score - a.score)) {
		const match = bestOverlap(box, [...free], MATCH_IOU);
		if (match !== undefined) free.delete(match);
		else if (bestOverlap(box, ignored, MATCH_IOU) !== undefined) continue;
		else if (Math.min(box.width, box.height) < smallestFace) continue;
		verdicts.push({ score, isTrue: match !== undefined });
	}
	return verdicts;
}

function bestOverlap<Face extends { readonly box: BoundingBox }>(
	box: BoundingBox,
	faces: readonly Face[],
	atLeast: number,
): Face | undefined {
	let best: Face | undefined;
	let bestOverlap = atLeast;
	for (const face of faces) {
		const overlap = intersectionOverUnion(box, face.box);
		if (overlap >= bestOverlap) {
			best = face;
			bestOverlap = overlap;
		}
	}
	return best;
}

function intersectionOverUnion(a: BoundingBox, b: BoundingBox): number {
	const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
	const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
	if (width <= 0 || height <= 0) return 0;
	return (width * height) / (a.width * a.height + b.width * b.height - width * height);
}

function toFivePoints({ leftEye, rightEye, nose, mouthLeft, mouthRight }: FaceLandmarks): FivePoints {
	return [leftEye, rightEye, nose, mouthLeft, mouthRight];
}

function normalisedError(found: FivePoints, truth: FivePoints): number {
	const [leftEye, rightEye] = truth;
	const distances = truth.map((point, index) => distance(point, found[index] ?? point));
	return sum(distances) / distances.length / distance(leftEye, rightEye);
}

function distance(a: Point, b: Point): number {
	return Math.hypot(a.x - b.x, a.y - b.y);
}

function countWanted(photos: readonly ScoredPhoto[]): number {
	return photos.flatMap(({ truth }) => truth).filter((face) => !face.ignored).length;
}

function sum(values: readonly number[]): number {
	return values.reduce((total, value) => total + value, 0);
}
