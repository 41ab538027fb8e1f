/** A Vitest reporter that prints a line for each test that counted what it went through. */
// biome-ignore lint/style/noDefaultExport: Vitest loads a reporter as its file's default export.
export default class ScenarioReporter {
	/** @param {import('vitest/node').TestCase} test */
	onTestCaseResult(test) {
		const { counts } = /** @type {{ counts?: Record<string, number> }} */ (test.meta());
		const { state } = test.result();
		const amounts = Object.entries(counts ?? {}).map(([name, count]) => `${count} ${name}`);
		if (counts !== undefined || state === 'failed') {
			console.log(`${state === 'passed' ? 'ok  ' : 'FAIL'} ${test.fullName}: ${amounts.join(', ')}`);
		}
	}
}
