export type { Candidate, Engine, EngineOptions } from './engine.ts';
export { createFaceDetector, type FaceDetector, type FaceDetectorOptions } from './face-detector.ts';
export { InferencePool, type InferencePoolOptions } from './inference-pool.ts';
export { type InferenceThread, inferenceThread, type TaskOutcome } from './inference-thread.ts';
export {
	findModel,
	type Model,
	type ModelEntry,
	type ModelRegistry,
	readModelRegistry,
} from './model-registry.ts';
