/** Both ends of the inference process: apart from the rest, since neither's main thread is to load a network's runtime. */
export { InferenceProcess, type InferenceProcessOptions, tasksAtOnce } from './inference-process.ts';
export { serveInference } from './serve-inference.ts';
