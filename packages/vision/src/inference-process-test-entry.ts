import { serveInference } from './serve-inference.ts';

/** A child for the tests of `InferenceProcess`. */
serveInference(new URL('../dist/inference-pool-test-thread.js', import.meta.url));
