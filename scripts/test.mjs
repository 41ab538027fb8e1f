import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main, report } from './process/main.mjs';
import { nodeProgram } from './process/node-program.mjs';
import { runAttached } from './process/run.mjs';
import { atShutdown } from './process/shutdown.mjs';
import { prepare } from './provision/prepare.mjs';
import { inRoot } from './root.mjs';

/** @typedef {import('./test/tally-reporter.mjs').Tally} Tally */

await main(async () => {
	const { tally, exitCode } = await runTests();
	const { passed, failed, skipped } = tally;
	if (skipped.length > 0) console.log(`${skipped.length} skipped: ${skipped.join('; ')}`);
	// A bad end that the count does not explain is a failure too.
	const failures = failed === 0 && exitCode !== 0 ? 1 : failed;
	// The last line, whatever happens: scripts read it.
	console.log(`${passed} passed, ${failures} failed`);
	return failures > 0 ? 1 : exitCode;
});

async function runTests() {
	const dir = await mkdtemp(join(tmpdir(), 'facet-test-'));
	atShutdown(() => rm(dir, { recursive: true, force: true }));
	const tallyFile = join(dir, 'tally.json');
	let exitCode = 1;
	try {
		// Even with REDIS_URL: some tests take a Redis of their own down and up again.
		await prepare({ redis: true });
		const reporters = ['--reporter=default', `--reporter=${inRoot('scripts', 'test', 'tally-reporter.mjs')}`];
		exitCode = await runAttached(...nodeProgram('vitest', 'run', ...reporters, ...process.argv.slice(2)), {
			env: { ...process.env, TALLY_FILE: tallyFile },
		});
	} catch (error) {
		report(error);
	}
	return { tally: await readTally(tallyFile), exitCode };
}

/**
 * @param {string} file
 * @returns {Promise<Tally>}
 */
async function readTally(file) {
	// There is none when Vitest could not even begin.
	const text = await readFile(file, 'utf8').catch(() => undefined);
	return text === undefined ? { passed: 0, failed: 0, skipped: [] } : JSON.parse(text);
}
