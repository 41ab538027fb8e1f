import type { Detection, RgbImage } from '@facet/contracts';
import { boxArea, clipBox } from '@facet/contracts';
import type { Candidate } from './engine.ts';
import { openEngine } from './engines/index.ts';
import { toFaceLandmarks } from './landmark-points.ts';
import { createLandmarkNetwork, type LandmarkNetwork } from './landmarks68.ts';
import { findModel, findModelFile, isModelPath } from './model-registry.ts';
import { OnnxRuntime } from './onnx-session.ts';

export interface FaceDetectorOptions {
	/** Directory of `MODELS.json` and the weights. */
	readonly modelsDir: string;
	/** Name of a detection network in `MODELS.json`, or the path of an `.onnx` file. */
	readonly model: string;
	/** What loads the networks; by default one that runs them on the processor. */
	readonly runtime?: OnnxRuntime;
}

export interface FaceDetector {
	/** Name of the detection network; of a file by its path, the file's name. */
	readonly name: string;
	/** Which engine runs it. */
	readonly kind: string;
	/** Longest side in pixels that images should be decoded to; larger ones only cost time. */
	readonly inputSide: number;
	/** The lowest score of a face by itself, as the network is shipped. */
	readonly scoreThreshold: number;
	/**
	 * The faces of an image, largest first; boxes and landmarks in pixels of `image`, boxes clipped to it. Blocks the
	 * calling thread while the networks run. Call `close` when no call is under way.
	 *
	 * @param scoreThreshold - the lowest score to report; by default the detector's own.
	 */
	detect(image: RgbImage, scoreThreshold?: number): Promise<Detection[]>;
	close(): Promise<void>;
}

const LANDMARK_MODEL = 'landmarks68';

/**
 * Loads the networks once; every `detect` reuses them.
 *
 * @throws Error when a network is unknown or was not fetched, see `findModel`.
 */
export async function createFaceDetector(options: FaceDetectorOptions): Promise<FaceDetector> {
	// Both are looked up before either is loaded, so that a missing file costs no native memory.
	const find = isModelPath(options.model) ? findModelFile : findModel;
	const model = await find(options.modelsDir, options.model);
	const landmarkModel = await findModel(options.modelsDir, LANDMARK_MODEL);
	const runtime = options.runtime ?? new OnnxRuntime();
	const { engine, kind } = await openEngine(model, runtime);
	const landmarkNetwork = await createLandmarkNetwork(landmarkModel, runtime);
	return {
		name: model.name,
		kind,
		inputSide: engine.inputSide,
		scoreThreshold: engine.scoreThreshold,
		async detect(image, scoreThreshold = engine.scoreThreshold) {
			const detections: Detection[] = [];
			for (const candidate of await engine.detect(image, scoreThreshold)) {
				const detection = await toDetection(image, candidate, landmarkNetwork);
				if (detection.score >= scoreThreshold && boxArea(detection.box) > 0) detections.push(detection);
			}
			return detections.sort(largestFirst);
		},
		async close() {
			await engine.close();
			await landmarkNetwork.close();
		},
	};
}

async function toDetection(
	image: RgbImage,
	{ box, score, landmarks }: Candidate,
	landmarkNetwork: LandmarkNetwork,
): Promise<Detection> {
	const clipped = clipBox(box, image);
	if (landmarks !== undefined) return { box: clipped, score, landmarks };
	// The unclipped box: a face that the picture's edge cuts still has its centre where the network put it.
	const { points, plausibility } = await landmarkNetwork.locate(image, box);
	return {
		box: clipped,
		score: score * plausibility,
		landmarks: toFaceLandmarks(points),
		landmarks68: [...points],
	};
}

/** By area, then from left to right, then from top to bottom: an order that does not depend on the scores' last bits. */
function largestFirst(a: Detection, b: Detection): number {
	return boxArea(b.box) - boxArea(a.box) || a.box.x - b.box.x || a.box.y - b.box.y;
}
