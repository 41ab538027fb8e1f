import { qualityOf } from '../face-quality.ts';
import { Gallery } from './appearance.ts';
import { type BoxMotion, correctMotion, predictMotion, startMotion } from './box-motion.ts';
import type { FaceObservation, ObservedFrame, Track } from './observation.ts';

/** An observation and the frame that it is in. */
export interface Sighting {
	readonly frame: ObservedFrame;
	readonly observation: FaceObservation;
}

/** A track while it grows. */
export class Trajectory {
	readonly gallery: Gallery;
	readonly #sightings: Sighting[];
	/** Undefined after a cut, until the face is seen again. */
	#motion: BoxMotion | undefined;
	/** Frames of the sightings, for `isSeenWith`. */
	readonly #frames: Set<number>;

	constructor(first: Sighting) {
		const { frame, observation } = first;
		this.gallery = new Gallery(observation.embedding.length);
		this.gallery.add(observation.embedding, weightOf(observation));
		this.#sightings = [first];
		this.#frames = new Set([frame.index]);
		this.#motion = startMotion(observation.box, frame.timestampMs);
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

	/** Where the face should be; undefined when it cannot be known. */
	predict(timestampMs: number): BoxMotion | undefined {
		return this.#motion === undefined ? undefined : predictMotion(this.#motion, timestampMs);
	}

	/** @param isGoodView - whether the view may tell what the person looks like. */
	add(sighting: Sighting, isGoodView: boolean): void {
		const { frame, observation } = sighting;
		const predicted = this.predict(frame.timestampMs);
		this.#motion =
			predicted === undefined
				? startMotion(observation.box, frame.timestampMs)
				: correctMotion(predicted, observation.box);
		if (isGoodView) this.gallery.add(observation.embedding, weightOf(observation));
		this.#sightings.push(sighting);
		this.#frames.add(frame.index);
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

/** What a view counts in the mean embedding: turned and blurred faces tell less. */
function weightOf({ score, frontalness }: FaceObservation): number {
	return score * (0.2 + frontalness);
}
