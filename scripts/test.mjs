import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { main, report } from './process/main.mjs';
import { nodeProgram } from './process/node-program.mjs';
import { runAttached } from './process/run.mjs';
import { atShutdown } from './process/shutdown.mjs';
import { prepare } from './provision/prepare.mjs';
import { inRoot, ROOT } from './root.mjs';

/** @typedef {import('./test/tally-reporter.mjs').Tally} Tally */

/** Minutes each, and with commands of their own: left out unless they are named. */
const LONG_SCENARIOS = {
	'test/e2e/overload.test.ts': 'npm run test:overload',
	'test/fuzz/media.test.ts': 'npm run fuzz',
	'test/bench/main.test.ts': 'npm test -- test/bench/main',
};
const PICTURE_TESTS = ['photos', 'crops', 'videos', 'video-files'].map((name) => `test/e2e/${name}.test.ts`);

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
	const args = process.argv.slice(2);
	const runs =
		args.length > 0 ? [{ args, env: {} }] : [{ args: withoutScenarios(), env: {} }, ...runsWithScrfd()];
	/** @type {Tally} */
	const tally = { passed: 0, failed: 0, skipped: [] };
	let exitCode = 1;
	try {
		// Even with REDIS_URL: some tests take a Redis of their own down and up again.
		await prepare({ redis: true });
		exitCode = 0;
		for (const [index, run] of runs.entries()) {
			const tallyFile = join(dir, `tally-${index}.json`);
			exitCode = Math.max(exitCode, await runVitest(run.args, { ...run.env, TALLY_FILE: tallyFile }));
			const { passed, failed, skipped } = await readTally(tallyFile);
			tally.passed += passed;
			tally.failed += failed;
			tally.skipped.push(...skipped);
		}
	} catch (error) {
		report(error);
		exitCode = 1;
	}
	return { tally, exitCode };
}

function withoutScenarios() {
	console.log(`Scenarios with commands of their own: ${Object.values(LONG_SCENARIOS).join(', ')}`);
	return Object.keys(LONG_SCENARIOS).map((pattern) => `--exclude=${pattern}`);
}

/** The tests that look at pictures once more, with InsightFace's detector, where its weights are. */
function runsWithScrfd() {
	const network = relative(ROOT, inRoot('..', 'shared', 'models', 'scrfd_500m_kps.onnx'));
	if (process.env.DETECTOR_MODEL) return [];
	if (!existsSync(join(ROOT, network))) {
		console.log(`Photos and videos are not tested with SCRFD: there is no ${network}`);
		return [];
	}
	return [{ args: PICTURE_TESTS, env: { DETECTOR_MODEL: network } }];
}

/**
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env Besides this process's own.
 */
function runVitest(args, env) {
	const own = ['scenario-reporter.mjs', 'tally-reporter.mjs'].map((name) => inRoot('scripts', 'test', name));
	const reporters = ['default', ...own].map((reporter) => `--reporter=${reporter}`);
	return runAttached(...nodeProgram('vitest', 'run', ...reporters, ...args), {
		env: { ...process.env, ...env },
	});
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
