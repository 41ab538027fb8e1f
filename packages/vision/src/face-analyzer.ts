import type { Detection, RgbImage } from '@facet/contracts';
import { alignFace } from './face-alignment.ts';
import type { DetectionOptions, FaceDetector } from './face-detector.ts';
import { createEmbeddingNetwork, type EmbeddingNetwork } from './face-embedding.ts';
import { frontalnessOf, sharpnessOf } from './face-quality.ts';
import { findModel } from './model-registry.ts';
import { OnnxRuntime } from './onnx-session.ts';
import type { FaceObservation } from './tracking/observation.ts';

export interface FaceAnalyzer {
	/**
	 * The faces of a video frame, weak ones included, largest first; everything in pixels of `image`. Survives
	 * structured cloning. Blocks the calling thread while the networks run. Call `close` when no call is under way.
	 *
	 * @param options - as of the detector; its threshold is that of a face by itself.
	 */
	analyze(image: RgbImage, options?: DetectionOptions): Promise<FaceObservation[]>;
	/** Frees the embedding network; the detector is its owner's. */
	close(): Promise<void>;
}

const EMBEDDING_MODEL = 'face_embedding';

/** The lowest score of a weak face, as a part of the detector's threshold: what is below is rarely a face at all. */
const WEAK_SHARE = 0.6;

/**
 * Adds to a detector what tells one face from another: faces below its threshold, embeddings, quality.
 *
 * @throws Error when the embedding network was not fetched, see `findModel`.
 */
export async function createFaceAnalyzer(
	detector: FaceDetector,
	modelsDir: string,
	runtime = new OnnxRuntime(),
): Promise<FaceAnalyzer> {
	const model = await findModel(modelsDir, EMBEDDING_MODEL);
	let loading: Promise<EmbeddingNetwork> | undefined;
	// With the first face: it takes 18 MB in each thread, and who only sends photos never needs it.
	const loadEmbedding = async () => {
		loading ??= createEmbeddingNetwork(model, runtime);
		try {
			return await loading;
		} catch (error) {
			loading = undefined;
			throw error;
		}
	};
	return {
		async analyze(image, { scoreThreshold = detector.scoreThreshold, ...options } = {}) {
			const observations: FaceObservation[] = [];
			const weak = { ...options, scoreThreshold: scoreThreshold * WEAK_SHARE };
			for (const detection of await detector.detect(image, weak)) {
				observations.push(await observe(image, detection, await loadEmbedding()));
			}
			return observations;
		},
		close: async () => (await loading)?.close(),
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
