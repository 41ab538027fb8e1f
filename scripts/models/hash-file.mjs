import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

/**
 * @param {string} path
 * @param {'sha256' | 'sha512'} algorithm
 * @param {'hex' | 'base64'} encoding
 */
export async function hashFile(path, algorithm, encoding) {
	const hash = createHash(algorithm);
	await pipeline(createReadStream(path), hash);
	return hash.digest(encoding);
}
