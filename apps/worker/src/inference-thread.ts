import { decodeForDetection } from '@facet/media';
import {
	createFaceAnalyzer,
	createFaceDetector,
	type FaceAnalyzer,
	type FaceDetector,
	inferenceThread,
	OnnxRuntime,
	trackFaces,
} from '@facet/vision';
import type {
	FrameObservations,
	FrameTask,
	InferenceResult,
	InferenceTask,
	InferenceThreadData,
	PhotoDetections,
	PhotoTask,
} from './inference-task.ts';
import { toSourcePixels } from './source-pixels.ts';

/**
 * A thread of the inference pool. It does the whole of a photo, decoding included, because a run of the network
 * blocks its thread: on the main thread it would hold up the renewal of locks. Frames of videos come decoded.
 */
export const { ready, run } = inferenceThread(async (options: InferenceThreadData) => {
	const runtime = new OnnxRuntime(options.executionProviders);
	const detector = await createFaceDetector({ ...options, runtime });
	const analyzer = await createFaceAnalyzer(detector, options.modelsDir, runtime);
	return async (task: InferenceTask): Promise<InferenceResult> => {
		switch (task.kind) {
			case 'describe':
				return {
					kind: 'describe',
					name: detector.name,
					engine: detector.kind,
					inputSide: detector.inputSide,
					executionProviders: runtime.providers,
					warning: runtime.warning,
				};
			case 'photo':
				return detectPhoto(detector, task);
			case 'frame':
				return observeFrame(analyzer, task);
			case 'track': {
				const { frames, persons } = trackFaces(task.frames, { strongScore: detector.scoreThreshold });
				return { kind: 'track', frames, persons };
			}
		}
	};
});

async function detectPhoto(
	detector: FaceDetector,
	{ path, maxPixels, timeoutMs }: PhotoTask,
): Promise<PhotoDetections> {
	const startedAt = performance.now();
	const { image, width, height, orientation } = await decodeForDetection(path, {
		maxSide: detector.inputSide,
		maxPixels,
		timeoutMs,
	});
	const decodedAt = performance.now();
	const detections = toSourcePixels(await detector.detect(image), image, { width, height });
	return {
		kind: 'photo',
		width,
		height,
		orientation,
		detections,
		decodeMs: decodedAt - startedAt,
		detectMs: performance.now() - decodedAt,
	};
}

async function observeFrame(analyzer: FaceAnalyzer, { image }: FrameTask): Promise<FrameObservations> {
	const startedAt = performance.now();
	const observations = await analyzer.analyze(image);
	return { kind: 'frame', observations, detectMs: performance.now() - startedAt };
}
