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
	/** Sum and number of what the sightings say, see `surenessOf`. */
	#sureness = 0;
	#witnesses = 0;

	constructor(first: Sighting) {
		const { frame, observation } = first;
		this.gallery = new Gallery(observation.embedding.length);
		this.gallery.add(observation.embedding, weightOf(observation));
		this.#sightings = [first];
		this.#frames = new Set([frame.index]);
		this.#motion = startMotion(observation.box, frame.timestampMs);
		this.#weigh(first);
	}

	/** Whether it is a face for sure, by its sightings' mean. */
	get isSure(): boolean {
		return this.#witnesses > 0 && this.#sureness >= SURE_FACE * this.#witnesses;
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
		this.#weigh(sighting);
	}

	#weigh(sighting: Sighting): void {
		const sureness = surenessOf(sighting);
		if (sureness === undefined) return;
		this.#sureness += sureness;
		this.#witnesses++;
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
 * Mean of clarity plus twice the score, from which a track shows a face for sure: neither network tells alone. On 143
 * hard photos 41 % of UltraFace's strong false boxes are below it, and 9 % of its true ones, which are small, masked or
 * turned. The mean, since a chance pattern has its one good moment, too.
 */
const SURE_FACE = 3.3;

/** Clarity of a face that the picture's edge cuts, from which there is enough of it left to go by. */
const CUT_FACE_CLARITY = 2.7;

/** How sure a sighting is to be a face; undefined when it says nothing, and a half one never does. */
function surenessOf({ frame, observation, isStrong }: Sighting): number | undefined {
	const { clarity, score } = observation;
	if (!isStrong || (isCutByEdge(observation, frame) && clarity < CUT_FACE_CLARITY)) return undefined;
	return clarity + 2 * score;
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
