import type { BoundingBox, Detection, RgbImage } from '@facet/contracts';
import { boxArea, clipBox } from '@facet/contracts';
import type { Candidate } from './engine.ts';
import { openEngine } from './engines/index.ts';
import { headPoseOf } from './face-pose.ts';
import { toFaceLandmarks } from './landmark-points.ts';
import { createLandmarkNetwork, type LandmarkNetwork } from './landmarks68.ts';
import { findModel, findModelFile, isModelPath } from './model-registry.ts';
import { OnnxRuntime } from './onnx-session.ts';
import { detectWithRescue } from './rescue-passes.ts';
import type { SourcePicture } from './source-picture.ts';
import { viewQuality } from './view-quality.ts';
import { undivided, type WorkDivision } from './work-division.ts';

export interface FaceDetectorOptions {
	/** Directory of `MODELS.json` and the weights. */
	readonly modelsDir: string;
	/** Name of a detection network in `MODELS.json`, or the path of an `.onnx` file. */
	readonly model: string;
	/** What loads the networks; by default one that runs them on the processor. */
	readonly runtime?: OnnxRuntime;
	/** What shares the parts of a picture out; by default they are done here, one after the other. */
	readonly division?: WorkDivision;
}

export interface DetectionOptions {
	/** The lowest score to report; by default the detector's own. */
	readonly scoreThreshold?: number | undefined;
	/** Faces with a side shorter than this are left out, in pixels of the source; by default none are. */
	readonly minFaceSize?: number | undefined;
	/** What the image was scaled down from; by default it is the picture itself. */
	readonly source?: SourcePicture;
	/** Whether the image may lie on its side, as photos do whose camera did not say; by default not. */
	readonly turns?: boolean;
	/** Only the engine's own look, and nothing to its rescue: what that costs is measured against this. By default not. */
	readonly plain?: boolean;
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
	 */
	detect(image: RgbImage, options?: DetectionOptions): Promise<Detection[]>;
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
	const division = options.division ?? undivided;
	const { engine, kind } = await openEngine(model, runtime, division);
	const landmarkNetwork = await createLandmarkNetwork(landmarkModel, runtime);
	const complete = division.divide('complete', (image, candidate: Candidate) =>
		toDetection(image, candidate, landmarkNetwork, engine.refineLandmarks ?? false),
	);
	return {
		name: model.name,
		kind,
		inputSide: engine.inputSide,
		scoreThreshold: engine.scoreThreshold,
		async detect(image, { scoreThreshold = engine.scoreThreshold, minFaceSize = 0, ...rest } = {}) {
			const { source = image, turns = false, plain = false } = rest;
			const detections = plain
				? await complete(image, await engine.detect(image, scoreThreshold))
				: await detectWithRescue(engine, image, { complete, scoreThreshold, source, turns });
			const scale = source.width / image.width;
			return detections
				.map((detection) => ({ ...detection, box: clipBox(detection.box, image) }))
				.filter(({ box, score }) => score >= scoreThreshold && isLargeEnough(box, minFaceSize / scale))
				.sort(largestFirst)
				.map((detection) => withView(image, detection, scale));
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
	isRefined: boolean,
): Promise<Detection> {
	if (landmarks !== undefined) {
		if (!isRefined) return { box, score, landmarks };
		const points = await landmarkNetwork.refine(image, landmarks);
		return { box, score, landmarks: toFaceLandmarks(points), landmarks68: points };
	}
	// The unclipped box: a face that the picture's edge cuts still has its centre where the network put it.
	const { points, plausibility } = await landmarkNetwork.locate(image, box);
	return {
		box,
		score: score * plausibility,
		landmarks: toFaceLandmarks(points),
		landmarks68: [...points],
	};
}

function isLargeEnough(box: BoundingBox, least: number): boolean {
	return boxArea(box) > 0 && Math.min(box.width, box.height) >= least;
}

/** With the head's pose, and how well the picture shows it. */
function withView(image: RgbImage, detection: Detection, scale: number): Detection {
	const pose = headPoseOf(detection.landmarks);
	const quality = viewQuality({ image, box: detection.box, pose, scale });
	return { ...detection, ...(pose && { pose }), quality };
}

/** By area, then from left to right, then from top to bottom: an order that does not depend on the scores' last bits. */
function largestFirst(a: Detection, b: Detection): number {
	return boxArea(b.box) - boxArea(a.box) || a.box.x - b.box.x || a.box.y - b.box.y;
}
