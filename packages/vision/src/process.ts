/** Both ends of the inference process: apart from the rest, since neither's main thread is to load a network's runtime. */
export { InferenceProcess, type InferenceProcessOptions, type RunOptions } from './inference-process.ts';
export { serveInference } from './serve-inference.ts';
export { tasksAtOnce } from './tasks-in-hand.ts';
