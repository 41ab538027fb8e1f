import type { BoundingBox, FaceLandmarks, RgbImage } from '@facet/contracts';

/** A face as a detection network gives it, in pixels of the image that was looked at. */
export interface Candidate {
	readonly box: BoundingBox;
	/** The network's confidence, 0..1. */
	readonly score: number;
	/** Absent for networks that give boxes only; the landmark network then runs on each box. */
	readonly landmarks?: FaceLandmarks;
}

/**
 * A face-detection network with everything around it: tiling, normalisation, decoding, non-maximum suppression.
 *
 * Adding a network is one file in `engines/`, its line in `engines/index.ts`, and one entry in `MODELS.json`.
 */
export interface Engine {
	/** Longest side in pixels beyond which more resolution does not help this network. */
	readonly inputSide: number;
	/** The lowest score of a face by itself: the threshold in the network's entry of `MODELS.json`. */
	readonly scoreThreshold: number;
	/** The faces of `image` at or above `scoreThreshold`, each once; boxes may reach over the image's edge. */
	detect(image: RgbImage, scoreThreshold: number): Promise<Candidate[]>;
	close(): Promise<void>;
}
