import type { Size } from '@facet/contracts';
import { qualityOf } from '../face-quality.ts';
import { appearanceEvidence, Gallery } from './appearance.ts';
import { type BoxMotion, correctMotion, predictMotion, startMotion } from './box-motion.ts';
import type { FaceObservation, ObservedFrame, Track } from './observation.ts';

/** An observation and the frame that it is in. */
export interface Sighting {
	readonly frame: ObservedFrame;
	readonly observation: FaceObservation;
	/** Whether the detector was sure enough for the view to tell what the person looks like. */
	readonly isStrong: boolean;
}

/** A track while it grows. */
export class Trajectory {
	readonly gallery: Gallery;
	readonly #sightings: Sighting[];
	/** Undefined after a cut, until the face is seen again. */
	#motion: BoxMotion | undefined;
	/** Frames of the sightings, for `isSeenIn`. */
	readonly #frames: Set<number>;
	#isSure = false;

	constructor(first: Sighting) {
		const { frame, observation } = first;
		this.gallery = new Gallery(observation.embedding.length);
		this.gallery.add(observation.embedding, weightOf(observation));
		this.#sightings = [first];
		this.#frames = new Set([frame.index]);
		this.#motion = startMotion(observation.box, frame.timestampMs);
		this.#isSure = isSureFace(observation) && !isCutByEdge(observation, frame);
	}

	/** Whether one of the sightings is a face for sure, and a whole one. */
	get isSure(): boolean {
		return this.#isSure;
	}

	get sightings(): readonly Sighting[] {
		return this.#sightings;
	}

	isSeenIn(frame: number): boolean {
		return this.#frames.has(frame);
	}

	/** Whether both are seen in one frame, so that they are two faces for sure. */
	isSeenWith(other: Trajectory): boolean {
		return other.#sightings.some(({ frame }) => this.isSeenIn(frame.index));
	}

	/** What the face's looks say for its being this track's, see `appearanceEvidence`. */
	likenessEvidence({ embedding, clarity }: FaceObservation): number {
		return appearanceEvidence(this.gallery.likeness(embedding), clarity);
	}

	/** Where the face should be; undefined when it cannot be known. */
	predict(timestampMs: number): BoxMotion | undefined {
		return this.#motion === undefined ? undefined : predictMotion(this.#motion, timestampMs);
	}

	add(sighting: Sighting): void {
		const { frame, observation, isStrong } = sighting;
		const predicted = this.predict(frame.timestampMs);
		this.#motion =
			predicted === undefined
				? startMotion(observation.box, frame.timestampMs)
				: correctMotion(predicted, observation.box);
		if (isStrong && !isCutByEdge(observation, frame))
			this.gallery.add(observation.embedding, weightOf(observation));
		this.#sightings.push(sighting);
		this.#frames.add(frame.index);
		this.#isSure ||= isSureFace(observation) && !isCutByEdge(observation, frame);
	}

	/** One track of several that are never seen together. */
	static join(parts: readonly Trajectory[]): Trajectory {
		const [first, ...others] = parts
			.flatMap(({ sightings }) => sightings)
			.sort((a, b) => a.frame.index - b.frame.index);
		if (first === undefined) throw new Error('Expected at least one track');
		const joined = new Trajectory(first);
		for (const sighting of others) joined.add(sighting);
		return joined;
	}

	/** Forgets where the face is and how it moves: the camera has changed. */
	cut(): void {
		this.#motion = undefined;
	}

	toTrack(id: number): Track {
		const moments = this.#sightings.map(({ frame }) => ({
			frame: frame.index,
			timestampMs: frame.timestampMs,
		}));
		const [firstSeen] = moments;
		const lastSeen = moments.at(-1);
		if (firstSeen === undefined || lastSeen === undefined) throw new Error('Expected a track to be seen');
		return {
			id,
			firstSeen,
			lastSeen,
			best: bestOf(this.#sightings),
			frames: moments.map(({ frame }) => frame),
		};
	}
}

/** The frame and the box of the sighting that shows the face best; the first of equals. */
export function bestOf(sightings: readonly Sighting[]): Track['best'] {
	let best: Sighting | undefined;
	let bestQuality = Number.NEGATIVE_INFINITY;
	for (const sighting of sightings) {
		const quality = qualityOf(sighting.observation);
		if (quality <= bestQuality) continue;
		best = sighting;
		bestQuality = quality;
	}
	if (best === undefined) throw new Error('Expected at least one sighting');
	return { frame: best.frame.index, box: best.observation.box };
}

/**
 * Of the embedding network's clarity and the detector's score, what makes a face sure. On 143 hard photos half of
 * UltraFace's strong false boxes are not, of its true ones (small, masked, turned) one in six.
 */
const SURE_CLARITY = 2.1;
const FAIR_CLARITY = 1.7;
const SURE_SCORE = 0.8;

function isSureFace({ score, clarity }: FaceObservation): boolean {
	return clarity >= SURE_CLARITY || (clarity >= FAIR_CLARITY && score >= SURE_SCORE);
}

/** A whole face's box is rarely narrower, or wider, than this a height. */
const NARROW_ASPECT = 0.6;
const WIDE_ASPECT = 1.1;

/** How near to the picture's edge a box that it cuts can end, in heights of the box. */
const EDGE_MARGIN = 0.1;

/** Whether the picture's edge seems to cut the face, so that its looks say little: half a face is like nobody. */
function isCutByEdge({ box: { x, y, width, height } }: FaceObservation, picture: Size): boolean {
	const margin = EDGE_MARGIN * Math.max(width, height);
	const isAtSide = x < margin || x + width > picture.width - margin;
	const isAtEnd = y < margin || y + height > picture.height - margin;
	return (isAtSide && width < NARROW_ASPECT * height) || (isAtEnd && width > WIDE_ASPECT * height);
}

/** What a view counts in the mean embedding: one in which little of a face is recognised tells little of it. */
function weightOf({ clarity }: FaceObservation): number {
	return clarity * clarity;
}
