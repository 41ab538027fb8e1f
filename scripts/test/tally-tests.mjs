/**
 * What we use of Vitest's JSON report.
 *
 * @typedef {object} TestReport
 * @property {number} numPassedTests
 * @property {{ status: string, assertionResults: { status: string, fullName: string }[] }[]} testResults One a file.
 */

/**
 * Counts tests so that nothing that went wrong is missing: a file that failed without a failed test in it (it did
 * not load, or a hook threw) is a failure, and so is a bad end that no test explains (an unhandled error).
 *
 * @param {TestReport | undefined} report
 * @param {number} exitCode Of Vitest.
 * @returns {{ passed: number, failed: number, skipped: string[] }}
 */
export function tallyTests(report, exitCode) {
	const files = report?.testResults ?? [];
	const tests = files.flatMap((file) => file.assertionResults);
	const failedTests = tests.filter(isFailed).length;
	const failedFiles = files.filter((file) => isFailed(file) && !file.assertionResults.some(isFailed)).length;
	const failed = failedTests + failedFiles;
	return {
		passed: report?.numPassedTests ?? 0,
		failed: failed === 0 && exitCode !== 0 ? 1 : failed,
		skipped: tests.filter((test) => test.status !== 'passed' && !isFailed(test)).map((test) => test.fullName),
	};
}

/** @param {{ status: string }} result */
function isFailed({ status }) {
	return status === 'failed';
}
