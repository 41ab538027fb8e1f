export { InferenceProcess, type InferenceProcessOptions } from './inference-process.ts';
