import { serveInference } from '@facet/vision/process';

/** The process in which pictures are decoded and searched. Started by the worker, with which it ends. */
serveInference(new URL('../dist/inference-thread.js', import.meta.url));
