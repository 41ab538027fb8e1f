import { resolve } from 'node:path';
import { ROOT } from '../root.mjs';

/** Where networks are kept: the same rule as the worker's. */
export function defaultModelsDir() {
	return resolve(ROOT, process.env.MODELS_DIR || 'models');
}
