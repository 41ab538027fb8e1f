import { inRoot } from '../root.mjs';

/**
 * A program of an npm package, as the arguments for this very Node: no npx, no look at the PATH.
 *
 * @param {string} name
 * @param {...string} args
 * @returns {[string, string[]]} Command and arguments.
 */
export function nodeProgram(name, ...args) {
	return [process.execPath, [inRoot('node_modules', '.bin', name), ...args]];
}
