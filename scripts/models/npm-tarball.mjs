import { mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../failure.mjs';
import { npmCommand } from '../process/npm-command.mjs';
import { run } from '../process/run.mjs';
import { hashFile } from './hash-file.mjs';

/**
 * Fetches a package's tarball with npm itself, so that the user's registry, proxy and credentials hold.
 *
 * @param {{ spec: string, integrity: string, cacheDir: string }} options
 * @returns {Promise<string>} Path of the verified tarball in `cacheDir`; one that is there already and whole is
 *   not fetched again.
 */
export async function fetchNpmTarball({ spec, integrity, cacheDir }) {
	const tarball = join(cacheDir, `${spec.replaceAll(/[^\w.-]+/g, '_')}.tgz`);
	if (!(await faultOf(tarball, integrity))) return tarball;

	const scratch = await mkdtemp(join(cacheDir, `${process.pid}-`));
	try {
		await pack(spec, scratch);
		const [name] = (await readdir(scratch)).filter((file) => file.endsWith('.tgz'));
		if (!name) throw new Failure(`npm pack ${spec} left no tarball`);
		const fault = await faultOf(join(scratch, name), integrity);
		if (fault) throw new Failure(`${spec} is not the tarball that MODELS.json names: ${fault}`);
		await rename(join(scratch, name), tarball);
		return tarball;
	} finally {
		await rm(scratch, { recursive: true, force: true });
	}
}

/**
 * @param {string} spec
 * @param {string} destination
 */
async function pack(spec, destination) {
	const [command, ...first] = npmCommand();
	try {
		await run(command, [...first, 'pack', spec, '--json', '--pack-destination', destination]);
	} catch (cause) {
		if (!(cause instanceof Failure)) throw cause;
		// With --json, npm gives its error as JSON too.
		const summary = /^\s*"summary": (".*"),?$/m.exec(cause.output)?.[1];
		const reason = summary ? JSON.parse(summary).trim() : cause.message;
		throw new Failure(`Cannot fetch ${spec} from the npm registry: ${reason}`, { cause });
	}
}

/**
 * @param {string} tarball
 * @param {string} integrity
 * @returns {Promise<string | undefined>}
 */
async function faultOf(tarball, integrity) {
	if (!(await stat(tarball).catch(() => undefined))) return 'not there';
	const got = `sha512-${await hashFile(tarball, 'sha512', 'base64')}`;
	return got === integrity ? undefined : `expected integrity ${integrity}, got ${got}`;
}
