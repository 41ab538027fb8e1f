import type { Detection, Person, Size } from '@facet/contracts';

/** A face in one frame, with what tells it from other faces and good views of it from bad ones. */
export interface FaceObservation extends Detection {
	/** 512 numbers of length 1. Biometric data: it stays in the worker's memory, and is never stored, sent or logged. */
	readonly embedding: Float32Array;
	/** How much of a face the embedding network recognises, see `FaceEmbedding`. */
	readonly clarity: number;
	/** See `sharpnessOf`. */
	readonly sharpness: number;
	/** 0..1, see `frontalnessOf`. */
	readonly frontalness: number;
}

/** One sampled frame; its size is that of the picture that the observations' pixels are of. */
export interface ObservedFrame extends Size {
	/** 0-based index in presentation order. */
	readonly index: number;
	/** The frame's time after the first frame's, in milliseconds. */
	readonly timestampMs: number;
	/** Weak faces included; the order does not matter. */
	readonly observations: readonly FaceObservation[];
}

export interface TrackingOptions {
	/** Score from which a face is strong: it may start a track. Weaker ones only go on with one. */
	readonly strongScore: number;
}

/** A face of the result: a detection, without anything biometric. */
export interface TrackedFace extends Detection {
	readonly trackId: number;
}

export interface TrackedFrame {
	readonly index: number;
	readonly timestampMs: number;
	/** Largest first. */
	readonly faces: readonly TrackedFace[];
}

/** One face over time. */
export interface Track {
	/** 1, 2, … in the order of first appearance; faces of one frame largest first. */
	readonly id: number;
	readonly firstSeen: Moment;
	readonly lastSeen: Moment;
	/** The frame that shows the face best: largest, sharpest, most frontal. */
	readonly best: Person['best'];
	/** Frames that show it. */
	readonly frames: readonly number[];
}

export interface Moment {
	readonly frame: number;
	readonly timestampMs: number;
}

export interface TrackingResult {
	/** One for each frame that was given, in the order of their indexes. */
	readonly frames: readonly TrackedFrame[];
	readonly tracks: readonly Track[];
	/** The distinct persons, in the order of their first appearance. */
	readonly persons: readonly Person[];
	/**
	 * The mean embedding of each track, by the track's id. Apart from the tracks on purpose: this field must not leave
	 * the worker, everything else here may be stored.
	 */
	readonly embeddings: ReadonlyMap<number, Float32Array>;
}
