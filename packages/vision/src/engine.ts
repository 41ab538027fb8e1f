import type { BoundingBox, DetectorPass, FaceLandmarks, RgbImage } from '@facet/contracts';
import type { Model } from './model-registry.ts';
import type { NetworkDescription, OnnxSession } from './onnx-session.ts';
import type { WorkDivision } from './work-division.ts';

/** A face as a detection network gives it, in pixels of the image that was looked at. */
export interface Candidate {
	readonly box: BoundingBox;
	/** The network's confidence, 0..1. */
	readonly score: number;
	/** Absent for networks that give boxes only; the landmark network then runs on each box. */
	readonly landmarks?: FaceLandmarks;
	/** Set by engines that take several looks by themselves, where it was not the plain one. */
	readonly pass?: DetectorPass;
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
	/** The score from which on a picture's best face is surely upright, where it is not the usual part of the threshold. */
	readonly sureScore?: number | undefined;
	/** Whether the landmark network's points take the place of the network's own, where it is measured to be better. */
	readonly refineLandmarks?: boolean;
	/** Whether a picture with unsure faces is worth a second look at another scale, as measured. */
	readonly secondLook?: boolean;
	/** Whether what overlaps a face is kept at a lower score (soft-NMS), as measured. */
	readonly softSuppression?: boolean;
	/** The faces of `image` at or above `scoreThreshold`, each once; boxes may reach over the image's edge. */
	detect(image: RgbImage, scoreThreshold: number): Promise<Candidate[]>;
	/**
	 * One run of the network on a region of the image, which may be fractional and may reach over its edges, where the
	 * network sees what it sees beside a letterboxed picture. Answers in pixels of the whole image, and each face as often
	 * as anchors saw it. Absent for networks that take several looks by themselves.
	 */
	readonly look?: (image: RgbImage, region: BoundingBox, scoreThreshold: number) => Promise<Candidate[]>;
	close(): Promise<void>;
}

/** A kind of face-detection network: how to know one, and how to run it. */
export interface EngineKind {
	/** As in `kind` of `MODELS.json`. */
	readonly kind: string;
	/** The inputs and outputs that tell this kind from others, for a message. */
	readonly expects: string;
	/** Whether a network with these inputs and outputs is of this kind. */
	recognises(network: NetworkDescription): boolean;
	/** What is made of the file of a network of this kind before it is loaded, where it is not run as it is. */
	readonly change?: (model: Buffer) => Buffer;
	/**
	 * The engine around a loaded network that is of this kind, and was changed. The engine closes the session.
	 *
	 * @param division - for what it does with several parts of a picture.
	 */
	create(model: Model, session: OnnxSession, division: WorkDivision): Engine;
}
