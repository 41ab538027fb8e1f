import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's top folder, without a slash at the end. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/**
 * @param {...string} parts
 * @returns {string} A path inside the repository.
 */
export function inRoot(...parts) {
	return join(ROOT, ...parts);
}
