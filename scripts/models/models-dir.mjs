import { resolve } from 'node:path';
import { inRoot } from '../root.mjs';

/** Where networks are kept: the same rule as the worker's. */
export function defaultModelsDir() {
	return process.env.MODELS_DIR ? resolve(process.env.MODELS_DIR) : inRoot('models');
}
