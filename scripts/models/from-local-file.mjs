import { copyFile, open, rm } from 'node:fs/promises';
import { Failure } from '../failure.mjs';
import { installFromTarball } from './from-npm.mjs';
import { installFile } from './install-file.mjs';
import { takePart } from './part-file.mjs';
import { extractZipEntry } from './zip-entry.mjs';

/** @typedef {import('./manifest.mjs').Model} Model */

/**
 * Installs networks from a file that somebody brought to a machine without a network: the network itself, or the
 * vendor's zip or npm tarball, told apart by their first bytes. Hashes are checked all the same.
 *
 * @param {string} path
 * @param {readonly Model[]} wanted
 * @param {{ modelsDir: string, cacheDir: string }} folders
 */
export async function fromLocalFile(path, wanted, { modelsDir, cacheDir }) {
	const magic = await firstBytes(path);
	// A gzip's two bytes: the tarball of an npm package.
	if (magic.startsWith('1f8b'))
		return installFromTarball(path, wanted, { modelsDir, cacheDir, origin: path });
	const isZip = magic === '504b0304';
	if (!isZip && wanted.length > 1) {
		const names = wanted.map(({ name }) => name).join(', ');
		throw new Failure(`${path} is one network; expected one name with --from, got ${names}`);
	}
	for (const model of wanted) {
		const part = await takePart(cacheDir, model.file);
		try {
			if (isZip) await extractZipEntry(path, entryOf(model), part, model.bytes);
			else await copyFile(path, part);
			await installFile(part, model, modelsDir, path);
		} finally {
			await rm(part, { force: true });
		}
	}
}

/** @param {string} path */
async function firstBytes(path) {
	const file = await open(path).catch((cause) => {
		throw new Failure(`Cannot read ${path}: ${cause.message}`, { cause });
	});
	try {
		const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
		return buffer.toString('hex', 0, bytesRead);
	} finally {
		await file.close();
	}
}

/** @param {Model} model */
function entryOf({ source, file }) {
	return typeof source === 'object' && source.type === 'zip' ? source.entry : file;
}
