import type { BoundingBox, Detection, Point } from '@facet/contracts';
import { assign } from '@facet/vision';

/**
 * FDDB (Jain and Learned-Miller, "FDDB: A Benchmark for Face Detection in Unconstrained Settings", UMass Amherst
 * UM-CS-2010-009): ground truth in ellipses, and its discrete score. http://vis-www.cs.umass.edu/fddb/
 */

/** A face as FDDB draws it, in pixels; the angle is that of the major axis to the horizontal, in radians. */
export interface Ellipse {
	readonly majorRadius: number;
	readonly minorRadius: number;
	readonly angle: number;
	readonly center: Point;
}

export interface FddbPhoto {
	/** Path below `originalPics` without `.jpg`. */
	readonly name: string;
	readonly faces: readonly Ellipse[];
}

export interface FddbResult extends FddbPhoto {
	readonly detections: readonly Detection[];
}

/** One point of the discrete ROC curve. */
export interface RocPoint {
	readonly falsePositives: number;
	readonly truePositiveRate: number;
}

/** Corners of the polygon that stands for an ellipse: its area is right to 0.1 %. */
const CORNERS = 96;

const MATCH_IOU = 0.5;

/** Parses a `FDDB-fold-XX-ellipseList.txt`. */
export function parseEllipseList(text: string): FddbPhoto[] {
	const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
	const photos: FddbPhoto[] = [];
	for (let at = 0; at < lines.length; ) {
		const count = Number(lines[at + 1]);
		if (!Number.isInteger(count) || count < 0)
			throw new Error(`Expected a number of faces in line ${at + 2} of an ellipse list`);
		const faces = lines.slice(at + 2, at + 2 + count).map((line) => {
			const [majorRadius = 0, minorRadius = 0, angle = 0, x = 0, y = 0] = line
				.trim()
				.split(/\s+/)
				.map(Number);
			return { majorRadius, minorRadius, angle, center: { x, y } };
		});
		photos.push({ name: (lines[at] ?? '').trim(), faces });
		at += 2 + count;
	}
	return photos;
}

/** Detections as FDDB's evaluation reads them: name, count, then rectangles with their scores. */
export function toFddbOutput({ name, detections }: FddbResult): string {
	const faces = detections.map(({ box: { x, y, width, height }, score }) =>
		[x, y, width, height]
			.map((value) => value.toFixed(2))
			.concat(score.toFixed(5))
			.join(' '),
	);
	return [name, faces.length, ...faces, ''].join('\n');
}

/**
 * The discrete ROC curve over all photos: faces and detections are matched one to one so that they overlap most in all,
 * at each threshold anew; a pair that overlaps more than a half is a hit.
 */
export function discreteRoc(results: readonly FddbResult[]): RocPoint[] {
	const wanted = results.reduce((sum, { faces }) => sum + faces.length, 0);
	const changes: { score: number; hits: number; misses: number }[] = [];
	for (const { faces, detections } of results) {
		const sorted = detections.toSorted((a, b) => b.score - a.score);
		const overlaps = sorted.map(({ box }) => faces.map((face) => ellipseOverlap(face, box)));
		let before = 0;
		for (const [index, { score }] of sorted.entries()) {
			// Two detections of a face may change places as the threshold falls, so each prefix is matched by itself.
			const scores = Float64Array.from(overlaps.slice(0, index + 1).flat());
			const pairs = assign(scores, index + 1, faces.length);
			const hits = pairs.filter(({ row, column }) => (overlaps[row]?.[column] ?? 0) > MATCH_IOU).length;
			changes.push({ score, hits: hits - before, misses: 1 - (hits - before) });
			before = hits;
		}
	}
	let hits = 0;
	let misses = 0;
	return changes
		.sort((a, b) => b.score - a.score)
		.map((change) => {
			hits += change.hits;
			misses += change.misses;
			return { falsePositives: misses, truePositiveRate: hits / wanted };
		});
}

/** The true positive rate with no more than so many false positives. */
export function rateAt(roc: readonly RocPoint[], mostFalsePositives: number): number {
	return roc.reduce(
		(best, { falsePositives, truePositiveRate }) =>
			falsePositives <= mostFalsePositives ? Math.max(best, truePositiveRate) : best,
		0,
	);
}

/** Shared area of an ellipse and a rectangle over their joint area. */
export function ellipseOverlap(ellipse: Ellipse, box: BoundingBox): number {
	const shared = areaOf(clip(polygonOf(ellipse), box));
	const area = Math.PI * ellipse.majorRadius * ellipse.minorRadius;
	return shared / (area + box.width * box.height - shared);
}

function polygonOf({ majorRadius, minorRadius, angle, center }: Ellipse): Point[] {
	return Array.from({ length: CORNERS }, (_, index) => {
		const turn = (2 * Math.PI * index) / CORNERS;
		const along = majorRadius * Math.cos(turn);
		const across = minorRadius * Math.sin(turn);
		return {
			x: center.x + along * Math.cos(angle) - across * Math.sin(angle),
			y: center.y + along * Math.sin(angle) + across * Math.cos(angle),
		};
	});
}

/** Clips a polygon edge by edge (Sutherland and Hodgman, 1974). */
function clip(polygon: Point[], { x, y, width, height }: BoundingBox): Point[] {
	const edges: ((point: Point) => number)[] = [
		(point) => point.x - x,
		(point) => x + width - point.x,
		(point) => point.y - y,
		(point) => y + height - point.y,
	];
	return edges.reduce((points, depth) => {
		return points.flatMap((point, index) => {
			const next = points[(index + 1) % points.length] ?? point;
			const from = depth(point);
			const to = depth(next);
			const kept = from >= 0 ? [point] : [];
			if (from >= 0 === to >= 0) return kept;
			const share = from / (from - to);
			return [...kept, { x: point.x + share * (next.x - point.x), y: point.y + share * (next.y - point.y) }];
		});
	}, polygon);
}

/** By Gauss's formula. */
function areaOf(polygon: readonly Point[]): number {
	let twice = 0;
	for (const [index, point] of polygon.entries()) {
		const next = polygon[(index + 1) % polygon.length] ?? point;
		twice += point.x * next.y - next.x * point.y;
	}
	return Math.abs(twice) / 2;
}
