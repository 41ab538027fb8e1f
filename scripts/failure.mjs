/** A fault that the reader can act on: one line, and the output of the command that failed when there is one. */
export class Failure extends Error {
	/**
	 * @param {string} message One line: what was expected, what came, what to do.
	 * @param {{ output?: string, cause?: unknown }} [details]
	 */
	constructor(message, { output = '', cause } = {}) {
		super(message, { cause });
		this.name = 'Failure';
		this.output = output.trimEnd();
	}
}
