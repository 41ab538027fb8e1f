import { writeFileSync } from 'node:fs';

/** @typedef {{ passed: number, failed: number, skipped: string[] }} Tally */

/**
 * A Vitest reporter that counts tests so that nothing that went wrong is missing: besides failed tests, files that do
 * not load, hooks that throw and errors that nobody handled are failures. It writes a `Tally` to `TALLY_FILE`.
 */
// biome-ignore lint/style/noDefaultExport: Vitest loads a reporter as its file's default export.
export default class TallyReporter {
	/**
	 * @param {readonly import('vitest/node').TestModule[]} modules
	 * @param {readonly unknown[]} unhandledErrors
	 */
	onTestRunEnd(modules, unhandledErrors) {
		const tests = modules.flatMap((module) => [...module.children.allTests()]);
		const suites = modules.flatMap((module) => [module, ...module.children.allSuites()]);
		const inState = (/** @type {string} */ state) => tests.filter((test) => test.result().state === state);
		const brokenSuites = suites.filter((suite) => suite.errors().length > 0);
		/** @type {Tally} */
		const tally = {
			passed: inState('passed').length,
			failed: inState('failed').length + brokenSuites.length + unhandledErrors.length,
			skipped: inState('skipped').map((test) => test.fullName),
		};
		writeFileSync(/** @type {string} */ (process.env.TALLY_FILE), JSON.stringify(tally));
	}
}
