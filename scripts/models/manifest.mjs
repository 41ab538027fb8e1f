import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../failure.mjs';
import { inRoot } from '../root.mjs';

/**
 * One network of `models/MODELS.json`; the fields that fetching needs.
 *
 * @typedef {object} Model
 * @property {string} name
 * @property {string} description
 * @property {string | ZipSource | WebSource} source `npm:<name>@<version>`, an `https:` address of the file itself, or
 *   an object.
 * @property {string} [integrity] Of an npm tarball, as the registry gives it: `sha512-<base64>`.
 * @property {string} [entry] Path of the file in the tarball.
 * @property {string} file Name in the models folder.
 * @property {number} bytes
 * @property {string} sha256 In hexadecimal.
 * @property {string} licence
 * @property {boolean} [free] False when the licence restricts what the network may be used for.
 * @property {string} [licenceText] What a user has to accept then.
 */

/**
 * A file in a zip on the web: its hash is the zip's, for servers from which it has to be fetched whole.
 *
 * @typedef {{ type: 'zip', url: string, sha256: string, entry: string }} ZipSource
 */

/** @typedef {{ type: 'https', url: string }} WebSource */

/** @typedef {{ packs: Record<string, string[]>, models: Model[] }} Manifest */

/**
 * The list of networks that a worker with this models folder reads. A folder without one gets the repository's; one
 * that is there stays, since it may name networks of the user's own.
 *
 * @param {string} modelsDir
 * @returns {Promise<Manifest>}
 */
export async function readManifest(modelsDir) {
	const path = join(modelsDir, 'MODELS.json');
	try {
		if (!existsSync(path)) {
			await mkdir(modelsDir, { recursive: true });
			await copyFile(inRoot('models', 'MODELS.json'), path);
		}
		return JSON.parse(await readFile(path, 'utf8'));
	} catch (cause) {
		throw new Failure(`Cannot read ${path}: ${/** @type {Error} */ (cause).message}`, { cause });
	}
}

/**
 * @param {Manifest} manifest
 * @param {readonly string[]} names Of networks and packs.
 * @returns {Model[]} Each network once, in the order asked for.
 */
export function selectModels({ packs, models }, names) {
	const selected = names.flatMap((name) => packs[name] ?? [name]);
	return [...new Set(selected)].map((name) => {
		const model = models.find((candidate) => candidate.name === name);
		if (model) return model;
		const known = [...Object.keys(packs), ...models.map((candidate) => candidate.name)].join(', ');
		throw new Failure(`No network or pack is called "${name}"; there are ${known}`);
	});
}
