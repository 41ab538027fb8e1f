import type { Detection, RgbImage } from '@facet/contracts';
import { cropFrameJpegs, cropJpegs, decodeForDetection } from '@facet/media/pictures';
import {
	createFaceAnalyzer,
	createFaceDetector,
	type FaceAnalyzer,
	type FaceDetector,
	inferenceThread,
	isModelPath,
	OnnxRuntime,
	trackFaces,
} from '@facet/vision';
import {
	type CropPhotoTask,
	type FrameObservations,
	type FrameTask,
	type InferenceResult,
	type InferenceTask,
	type InferenceThreadData,
	isLargeCrop,
	type PhotoDetections,
	type PhotoTask,
} from './inference-task.ts';
import { toSourcePixels } from './source-pixels.ts';

/**
 * A thread of the inference process. It does the whole of a photo, decoding and crops included: whatever runs native code
 * over bytes of strangers is here. Frames of videos come decoded, by ffmpeg.
 */
export const { ready, run } = inferenceThread(async (options: InferenceThreadData, division) => {
	const runtime = new OnnxRuntime(options.executionProviders);
	const detector = await createFaceDetector({ ...options, runtime, division });
	const analyzer = await createFaceAnalyzer(detector, options.modelsDir, runtime);
	return async (task: InferenceTask): Promise<InferenceResult> => {
		switch (task.kind) {
			case 'describe':
				return {
					kind: 'describe',
					name: detector.name,
					isFile: isModelPath(options.model),
					engine: detector.kind,
					inputSide: detector.inputSide,
					executionProviders: runtime.providers,
					warning: runtime.warning,
				};
			case 'photo':
				return detectPhoto(detector, task);
			case 'crop-photo':
				return { kind: 'crops', jpegs: await cropPhoto(task) };
			case 'frame':
				return observeFrame(analyzer, task);
			case 'encode':
				return { kind: 'crops', jpegs: await encode(task.pieces) };
			case 'track': {
				const strongScore = task.scoreThreshold ?? detector.scoreThreshold;
				const { frames, persons } = trackFaces(task.frames, { strongScore });
				return { kind: 'track', frames, persons };
			}
		}
	};
});

async function detectPhoto(
	detector: FaceDetector,
	{ path, maxPixels, timeoutMs, minFaceSize, scoreThreshold, landmarks68 }: PhotoTask,
): Promise<PhotoDetections> {
	const startedAt = performance.now();
	const decode = (maxSide: number) => decodeForDetection(path, { maxSide, maxPixels, timeoutMs });
	const { image, width, height, orientation } = await decode(detector.inputSide);
	let decodeMs = performance.now() - startedAt;
	// Very small faces in a large photo are looked for in a larger copy, which most photos do not need.
	const decodeLarger = async (mostPixels: number) => {
		const decodeStartedAt = performance.now();
		const shrink = Math.min(1, Math.sqrt(mostPixels / (width * height)));
		const larger = await decode(Math.floor(Math.max(width, height) * shrink));
		decodeMs += performance.now() - decodeStartedAt;
		return larger.image;
	};
	const faces = await detector.detect(image, {
		minFaceSize,
		scoreThreshold,
		source: { width, height, decode: decodeLarger },
		turns: true,
	});
	const wanted = landmarks68 ? faces : faces.map(withoutLandmarks68);
	const detections = toSourcePixels(wanted, image, { width, height });
	const detectMs = performance.now() - startedAt - decodeMs;
	return { kind: 'photo', width, height, orientation, detections, decodeMs, detectMs };
}

async function cropPhoto(task: CropPhotoTask): Promise<Buffer[]> {
	const jpegs = await cropJpegs(task.path, task.regions, task);
	// V8 does not know how large the pixels behind a buffer of native code are, and would keep those of several crops.
	if (isLargeCrop(task)) globalThis.gc?.(true);
	return jpegs;
}

async function observeFrame(
	analyzer: FaceAnalyzer,
	{ image, landmarks68, ...wanted }: FrameTask,
): Promise<FrameObservations> {
	const startedAt = performance.now();
	const all = await analyzer.analyze(image, wanted);
	const observations = landmarks68 ? all : all.map(withoutLandmarks68);
	return { kind: 'frame', observations, detectMs: performance.now() - startedAt };
}

function withoutLandmarks68<Face extends Detection>({ landmarks68: _, ...face }: Face) {
	return face;
}

async function encode(pieces: readonly RgbImage[]): Promise<Buffer[]> {
	const jpegs: Buffer[] = [];
	// One after another, as the crops of a photo.
	for (const piece of pieces) {
		jpegs.push(...(await cropFrameJpegs(piece, [{ x: 0, y: 0, width: piece.width, height: piece.height }])));
	}
	return jpegs;
}
