import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main, report } from './process/main.mjs';
import { nodeProgram } from './process/node-program.mjs';
import { runAttached } from './process/run.mjs';
import { atShutdown } from './process/shutdown.mjs';
import { prepare } from './provision/prepare.mjs';
import { tallyTests } from './test/tally-tests.mjs';

await main(async () => {
	const { passed, failed, skipped, exitCode } = await runTests();
	if (skipped.length > 0) console.log(`${skipped.length} skipped: ${skipped.join('; ')}`);
	// The last line, whatever happens: scripts read it.
	console.log(`${passed} passed, ${failed} failed`);
	return exitCode;
});

async function runTests() {
	const results = await mkdtemp(join(tmpdir(), 'facet-test-'));
	atShutdown(() => rm(results, { recursive: true, force: true }));
	try {
		// Even with REDIS_URL: some tests take a Redis of their own down and up again.
		await prepare({ redis: true });
		const file = join(results, 'results.json');
		const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
		const exitCode = await runAttached(
			...nodeProgram('vitest', 'run', ...reporters, ...process.argv.slice(2)),
		);
		return { ...tallyTests(await readResults(file), exitCode), exitCode };
	} catch (error) {
		// Tests that cannot even begin are one failure.
		report(error);
		return { ...tallyTests(undefined, 1), exitCode: 1 };
	}
}

/** @param {string} file */
async function readResults(file) {
	// Vitest writes none when its configuration is at fault.
	const text = await readFile(file, 'utf8').catch(() => undefined);
	return text === undefined ? undefined : JSON.parse(text);
}
