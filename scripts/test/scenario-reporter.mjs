/** Where every test is a scenario, whether it counts anything or not. */
const SCENARIOS = /[\\/]test[\\/](?:chaos|security)[\\/]/;

/** A Vitest reporter that prints a line for each scenario: what it counted on its way, and what was left of that. */
// biome-ignore lint/style/noDefaultExport: Vitest loads a reporter as its file's default export.
export default class ScenarioReporter {
	/** @param {import('vitest/node').TestCase} test */
	onTestCaseResult(test) {
		const { counts } = /** @type {{ counts?: Record<string, number> }} */ (test.meta());
		const { state } = test.result();
		if (state === 'skipped' || (counts === undefined && !SCENARIOS.test(test.module.moduleId))) return;
		const amounts = Object.entries(counts ?? {}).map(([name, count]) => `${count} ${name}`);
		const line = `${state === 'passed' ? 'ok  ' : 'FAIL'} ${test.fullName}`;
		console.log(amounts.length === 0 ? line : `${line}: ${amounts.join(', ')}`);
	}
}
