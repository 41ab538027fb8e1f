import type { BoundingBox } from '@facet/contracts';
import { assign } from '@facet/vision';

/** The scoring of tracked faces against ground truth: IDF1, identity switches, precision and recall. Pure. */

/** A face with an identity: a person's number in the ground truth, a track's in the result. */
export interface IdentifiedFace {
	readonly id: number;
	readonly box: BoundingBox;
}

export interface TrueFace extends IdentifiedFace {
	/** Ignored faces are neither wanted nor wrong: they count no miss, and what finds them no false alarm. */
	readonly ignored: boolean;
}

/** One sampled frame's faces, as they are and as they were found. */
export interface ScoredFrame {
	readonly truth: readonly TrueFace[];
	readonly found: readonly IdentifiedFace[];
}

export interface TrackingScore {
	/**
	 * Faces that have the right identity when each person is given the one track that suits best, as the F1 of their
	 * precision and recall: Ristani et al., "Performance Measures and a Data Set for Multi-Target, Multi-Camera
	 * Tracking", ECCV Workshops 2016. 1 when there is nothing to find and nothing was found.
	 */
	readonly idf1: number;
	/** How often a person's face has another track than where it was found last: Bernardin and Stiefelhagen, 2008. */
	readonly switches: number;
	/** Of the detections alone, whatever their identity. NaN where there is nothing to divide by. */
	readonly precision: number;
	readonly recall: number;
	/** Persons that are to be seen in the frames. */
	readonly persons: number;
}

/** A face was found when the boxes share this much (intersection over union). */
const MATCH_IOU = 0.5;

export function scoreTracking(frames: readonly ScoredFrame[]): TrackingScore {
	const considered = frames.map(withoutIgnored);
	const wanted = considered.reduce((total, { truth }) => total + truth.length, 0);
	const found = considered.reduce((total, frame) => total + frame.found.length, 0);
	const matches = considered.map(matchFaces);
	const hits = matches.reduce((total, frame) => total + frame.length, 0);
	return {
		idf1: wanted + found === 0 ? 1 : (2 * identityHits(considered)) / (wanted + found),
		switches: countSwitches(matches),
		precision: hits / found,
		recall: hits / wanted,
		persons: new Set(considered.flatMap(({ truth }) => truth.map(({ id }) => id))).size,
	};
}

/** Takes the ignored faces away, and what was found of them. */
function withoutIgnored({ truth, found }: ScoredFrame): ScoredFrame {
	const wanted = truth.filter(({ ignored }) => !ignored);
	const unwanted = truth.filter(({ ignored }) => ignored);
	const overlaps = (faces: readonly IdentifiedFace[], box: BoundingBox) =>
		faces.some((face) => intersectionOverUnion(face.box, box) >= MATCH_IOU);
	return {
		truth: wanted,
		found: found.filter(({ box }) => overlaps(wanted, box) || !overlaps(unwanted, box)),
	};
}

/** Pairs of true and found faces, the best overlaps first. */
function matchFaces({ truth, found }: ScoredFrame): { person: number; track: number }[] {
	const pairs = truth
		.flatMap((face) =>
			found.map((other) => ({ face, other, overlap: intersectionOverUnion(face.box, other.box) })),
		)
		.filter(({ overlap }) => overlap >= MATCH_IOU)
		.sort((a, b) => b.overlap - a.overlap);
	const taken = new Set<IdentifiedFace>();
	const matches: { person: number; track: number }[] = [];
	for (const { face, other } of pairs) {
		if (taken.has(face) || taken.has(other)) continue;
		taken.add(face).add(other);
		matches.push({ person: face.id, track: other.id });
	}
	return matches;
}

function countSwitches(matches: readonly { person: number; track: number }[][]): number {
	const lastTrack = new Map<number, number>();
	let switches = 0;
	for (const { person, track } of matches.flat()) {
		const last = lastTrack.get(person);
		if (last !== undefined && last !== track) switches++;
		lastTrack.set(person, track);
	}
	return switches;
}

/** Faces with the right identity under the best one-to-one assignment of persons to tracks. */
function identityHits(frames: readonly ScoredFrame[]): number {
	const persons = [...new Set(frames.flatMap(({ truth }) => truth.map(({ id }) => id)))];
	const tracks = [...new Set(frames.flatMap(({ found }) => found.map(({ id }) => id)))];
	const together = new Float64Array(persons.length * tracks.length);
	for (const { truth, found } of frames) {
		for (const face of truth) {
			for (const other of found) {
				if (intersectionOverUnion(face.box, other.box) < MATCH_IOU) continue;
				const cell = persons.indexOf(face.id) * tracks.length + tracks.indexOf(other.id);
				together[cell] = (together[cell] ?? 0) + 1;
			}
		}
	}
	return assign(together, persons.length, tracks.length).reduce(
		(total, { row, column }) => total + (together[row * tracks.length + column] ?? 0),
		0,
	);
}

function intersectionOverUnion(a: BoundingBox, b: BoundingBox): number {
	const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
	const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
	if (width <= 0 || height <= 0) return 0;
	return (width * height) / (a.width * a.height + b.width * b.height - width * height);
}
