import type { RgbImage } from '@facet/contracts';
import type { Model } from './model-registry.ts';
import { type OnnxRuntime, outputOf } from './onnx-session.ts';

export interface EmbeddingNetwork {
	/** Side in pixels of the aligned faces that it takes. */
	readonly side: number;
	/**
	 * Blocks the calling thread while the network runs.
	 *
	 * @param face - `side` x `side` pixels, aligned by `alignFace`.
	 */
	embed(face: RgbImage): Promise<FaceEmbedding>;
	close(): Promise<void>;
}

interface FaceEmbedding {
	/** What makes the face this person's: 512 numbers of length 1, so that the cosine of two is their dot product. */
	readonly embedding: Float32Array;
	/**
	 * How much of a face the network recognises: the length of what it gives before that is made 1, which follows the
	 * picture's quality (Meng et al., "MagFace", CVPR 2021; Kim et al., "AdaFace", CVPR 2022). From 1.3 for what is no
	 * face at all to 4; half of the false boxes of UltraFace have less than 1.7, one face in fifty of the sample photos
	 * less than 2.5, one in four of small, masked and turned ones less than 2.1.
	 */
	readonly clarity: number;
}

/** Loads a network of kind `face_embedding`: an aligned face in, its embedding in the first (and only) output. */
export async function createEmbeddingNetwork(model: Model, runtime: OnnxRuntime): Promise<EmbeddingNetwork> {
	const session = await runtime.open(model.path);
	const { width: side } = model.input;
	const { mean, scale } = model.normalisation;
	return {
		side,
		async embed(face) {
			const size = side * side;
			const planes = new Float32Array(3 * size);
			for (let i = 0; i < size; i++) {
				for (let channel = 0; channel < 3; channel++) {
					planes[channel * size + i] = ((face.data[3 * i + channel] ?? 0) - mean) / scale;
				}
			}
			const outputs = await session.run(planes, [1, 3, side, side]);
			return normalise(outputOf(outputs, 'output'));
		},
		close: () => session.close(),
	};
}

/** The embedding is a copy, because an output may be a view of the network's own memory. */
function normalise(vector: Float32Array): FaceEmbedding {
	let squares = 0;
	for (const value of vector) squares += value * value;
	const clarity = Math.sqrt(squares);
	return { embedding: vector.map((value) => value / (clarity || 1)), clarity };
}
