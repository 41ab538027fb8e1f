import { Failure } from './failure.mjs';
import { main } from './process/main.mjs';
import { nodeProgram } from './process/node-program.mjs';
import { run } from './process/run.mjs';
import { prepareDependencies } from './provision/prepare.mjs';
import { inRoot } from './root.mjs';
import { secondsSince } from './terminal/amounts.mjs';
import { dim, green, red } from './terminal/colour.mjs';

/** @typedef {{ name: string, output: string }} Failed */

await main(async () => {
	await prepareDependencies();
	const started = performance.now();
	const outcomes = await Promise.all([
		checkTypes(),
		check('lint and format', nodeProgram('biome', 'check')),
		check('dead code', nodeProgram('knip')),
	]);
	const failed = outcomes.flat();
	for (const { name, output } of failed) console.log(`\n${red(name)}\n${output}`);
	const verdict = failed.length === 0 ? green('All is well') : red(`${failed.length} failed`);
	console.log(`${failed.length > 0 ? '\n' : ''}${verdict} ${dim(secondsSince(started))}`);
	return failed.length === 0 ? 0 : 1;
});

/**
 * @param {string} name
 * @param {[string, string[]]} command
 * @returns {Promise<Failed[]>} One at most.
 */
async function check(name, command) {
	const started = performance.now();
	try {
		await run(...command);
		console.log(`${green('✓')} ${name.padEnd(16)} ${dim(secondsSince(started))}`);
		return [];
	} catch (error) {
		if (!(error instanceof Failure)) throw error;
		console.log(`${red('✗')} ${name.padEnd(16)} ${dim(secondsSince(started))}`);
		return [{ name, output: error.output || error.message }];
	}
}

/** The documents are generated from the built configuration, and the script that does it is typed by it. */
async function checkTypes() {
	const failed = await check('types', nodeProgram('tsc', '-b'));
	if (failed.length > 0) return failed;
	const others = await Promise.all([
		check('types of scripts', nodeProgram('tsc', '-p', 'scripts')),
		check('documents', [process.execPath, [inRoot('scripts', 'generate-docs.mjs'), '--check']]),
	]);
	return others.flat();
}
