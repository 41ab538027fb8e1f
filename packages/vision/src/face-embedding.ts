import type { RgbImage } from '@facet/contracts';
import type { Model } from './model-registry.ts';
import { openSession, outputOf } from './onnx-session.ts';

export interface EmbeddingNetwork {
	/** Side in pixels of the aligned faces that it takes. */
	readonly side: number;
	/**
	 * What makes the face this person's: 512 numbers of length 1, so that the cosine of two faces is their dot product.
	 * Blocks the calling thread while the network runs.
	 *
	 * @param face - `side` x `side` pixels, aligned by `alignFace`.
	 */
	embed(face: RgbImage): Promise<Float32Array>;
	close(): Promise<void>;
}

/** Loads a network of kind `face_embedding`: an aligned face in, its embedding in the first (and only) output. */
export async function createEmbeddingNetwork(model: Model): Promise<EmbeddingNetwork> {
	const session = await openSession(model.path);
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

/** A copy of length 1; a copy, because an output may be a view of the network's own memory. */
function normalise(vector: Float32Array): Float32Array {
	let squares = 0;
	for (const value of vector) squares += value * value;
	const length = Math.sqrt(squares) || 1;
	return vector.map((value) => value / length);
}
