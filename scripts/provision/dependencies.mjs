import { readFile } from 'node:fs/promises';
import { Failure } from '../failure.mjs';
import { npmCommand } from '../process/npm-command.mjs';
import { run } from '../process/run.mjs';
import { inRoot } from '../root.mjs';

/** @typedef {Record<string, { version?: string, optional?: boolean }>} LockedPackages */

/**
 * Installs the npm packages of the lock file, unless they are there.
 *
 * @param {(detail: string) => void} progress
 * @returns {Promise<string>} What was done, for the reader.
 */
export async function installDependencies(progress) {
	if (await areInstalled()) return 'there';
	// NODE_ENV=production or a user's `omit=dev` would leave out the compiler.
	const [command, ...first] = npmCommand();
	const output = await run(command, [...first, 'ci', '--include=dev', '--no-audit', '--no-fund'], {
		onLine: progress,
	});
	if (!(await areInstalled()))
		throw new Failure('npm ci did not install what package-lock.json lists', { output });
	return /^added .*/m.exec(output)?.[0] ?? 'installed';
}

/**
 * Compares the lock file with npm's own record of what it installed, which npm writes last: after an interrupted
 * `npm ci` there is none, and a hand-made `npm install` is as good as ours.
 */
async function areInstalled() {
	const wanted = await readPackages(inRoot('package-lock.json'));
	const installed = await readPackages(inRoot('node_modules', '.package-lock.json'));
	// What is wrong with a lock file, npm says best.
	if (!wanted || !installed) return false;
	return Object.entries(wanted).every(([path, { version, optional }]) => {
		// The empty path is this repository itself. Optional packages are mostly other systems' binaries.
		if (path === '' || (optional && !installed[path])) return true;
		return installed[path] !== undefined && installed[path].version === version;
	});
}

/**
 * @param {string} path
 * @returns {Promise<LockedPackages | undefined>}
 */
async function readPackages(path) {
	try {
		return JSON.parse(await readFile(path, 'utf8')).packages;
	} catch {
		return undefined;
	}
}
