import type { Detection, RgbImage } from '@facet/contracts';
import { alignFace } from './face-alignment.ts';
import { createFaceDetector, type FaceDetectorOptions } from './face-detector.ts';
import { createEmbeddingNetwork, type EmbeddingNetwork } from './face-embedding.ts';
import { frontalnessOf, sharpnessOf } from './face-quality.ts';
import { findModel } from './model-registry.ts';
import type { FaceObservation } from './tracking/observation.ts';

export interface FaceAnalyzer {
	/** Name of the detection network. */
	readonly name: string;
	/** Longest side in pixels that frames should be decoded to; larger ones only cost time. */
	readonly inputSide: number;
	/** The detector's shipped score threshold: what lies below it is weak, see `trackFaces`. */
	readonly strongScore: number;
	/**
	 * The faces of a video frame, weak ones included, largest first; everything in pixels of `image`. Survives
	 * structured cloning. Blocks the calling thread while the networks run. Call `close` when no call is under way.
	 */
	analyze(image: RgbImage): Promise<FaceObservation[]>;
	close(): Promise<void>;
}

const EMBEDDING_MODEL = 'face_embedding';

/** The lowest score of a weak face, as a part of the shipped threshold: what is below is rarely a face at all. */
const WEAK_SHARE = 0.6;

/**
 * Loads the detector with a lowered threshold and the embedding network; every `analyze` reuses them.
 *
 * @throws Error when a network is unknown or was not fetched, see `findModel`.
 */
export async function createFaceAnalyzer(options: FaceDetectorOptions): Promise<FaceAnalyzer> {
	const { thresholds } = await findModel(options.modelsDir, options.model);
	const embeddingModel = await findModel(options.modelsDir, EMBEDDING_MODEL);
	const strongScore = options.scoreThreshold ?? thresholds?.score;
	if (strongScore === undefined) throw new Error(`Expected thresholds in the entry of ${options.model}`);
	const detector = await createFaceDetector({ ...options, scoreThreshold: strongScore * WEAK_SHARE });
	const embedding = await createEmbeddingNetwork(embeddingModel);
	return {
		name: detector.name,
		inputSide: detector.inputSide,
		strongScore,
		async analyze(image) {
			const observations: FaceObservation[] = [];
			for (const detection of await detector.detect(image)) {
				observations.push(await observe(image, detection, embedding));
			}
			return observations;
		},
		async close() {
			await detector.close();
			await embedding.close();
		},
	};
}

async function observe(
	image: RgbImage,
	detection: Detection,
	embedding: EmbeddingNetwork,
): Promise<FaceObservation> {
	const face = alignFace(image, detection.landmarks, embedding.side);
	// Landmarks in one point show no face: no likeness to anything, and the worst of frames.
	if (face === undefined) {
		return { ...detection, embedding: new Float32Array(512), clarity: 0, sharpness: 0, frontalness: 0 };
	}
	return {
		...detection,
		...(await embedding.embed(face)),
		sharpness: sharpnessOf(face),
		frontalness: frontalnessOf(detection.landmarks),
	};
}
