import { decodeForDetection } from '@facet/media';
import { createFaceDetector, type FaceDetector, inferenceThread } from '@facet/vision';
import type { InferenceThreadData, PhotoDetections, PhotoTask } from './inference-task.ts';
import { toSourcePixels } from './source-pixels.ts';

/**
 * A thread of the inference pool. It does the whole of a picture, decoding included, because a run of the network
 * blocks its thread: on the main thread it would hold up the renewal of locks.
 */
export const { ready, run } = inferenceThread(async (options: InferenceThreadData) => {
	const detector = await createFaceDetector(options);
	return (task: PhotoTask) => detectPhoto(detector, task);
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
		width,
		height,
		orientation,
		detections,
		decodeMs: decodedAt - startedAt,
		detectMs: performance.now() - decodedAt,
	};
}
