import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive } from '../process/is-alive.mjs';

/**
 * Our own name for a file that is being downloaded, so that two processes do not write to one; what a dead one left is
 * taken over.
 *
 * @param {string} cacheDir
 * @param {string} file
 */
export async function takePart(cacheDir, file) {
	const part = join(cacheDir, `${file}.${process.pid}.part`);
	const left = (await readdir(cacheDir)).find((name) => isLeftPart(name, file));
	if (left) await rename(join(cacheDir, left), part);
	return part;
}

/**
 * @param {string} name
 * @param {string} file
 */
function isLeftPart(name, file) {
	const pid = name.startsWith(`${file}.`) && /^(\d+)\.part$/.exec(name.slice(file.length + 1))?.[1];
	return pid ? !isAlive(Number(pid)) : false;
}
