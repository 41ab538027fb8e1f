export type { Candidate, Engine } from './engine.ts';
export { openEngine } from './engines/index.ts';
export { createFaceAnalyzer, type FaceAnalyzer } from './face-analyzer.ts';
export {
	createFaceDetector,
	type DetectionOptions,
	type FaceDetector,
	type FaceDetectorOptions,
} from './face-detector.ts';
export { type InferenceThread, inferenceThread, type ThreadTask } from './inference-thread.ts';
export {
	findModel,
	findModelFile,
	isModelPath,
	type Model,
	type ModelEntry,
	type ModelRegistry,
	readModelRegistry,
} from './model-registry.ts';
export { Neighbours } from './neighbours.ts';
export { OnnxRuntime, type OnnxSession } from './onnx-session.ts';
export { protobufFields } from './protobuf-fields.ts';
export { protobufMessage, protobufNumber, protobufText } from './protobuf-writer.ts';
export type { TaskOutcome } from './task-outcome.ts';
export { assign, type Pairing } from './tracking/assignment.ts';
export type {
	FaceObservation,
	Moment,
	ObservedFrame,
	Track,
	TrackedFace,
	TrackedFrame,
	TrackingOptions,
	TrackingResult,
} from './tracking/observation.ts';
export { trackFaces } from './tracking/track-faces.ts';
export type { WorkDivision } from './work-division.ts';
