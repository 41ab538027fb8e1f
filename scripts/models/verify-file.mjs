import { stat } from 'node:fs/promises';
import { hashFile } from './hash-file.mjs';

/**
 * @param {string} path
 * @param {{ bytes?: number, sha256: string }} expected
 * @returns {Promise<string | undefined>} What is wrong with the file; undefined when it is as expected.
 */
export async function verifyFile(path, { bytes, sha256 }) {
	const found = await stat(path).catch(() => undefined);
	if (!found) return 'not there';
	// The size is free to look at, and tells most wrong files without reading them.
	if (bytes !== undefined && found.size !== bytes) return `expected ${bytes} bytes, got ${found.size}`;
	const got = await hashFile(path, 'sha256', 'hex');
	return got === sha256 ? undefined : `expected sha256 ${sha256}, got ${got}`;
}
