import { Failure } from '../failure.mjs';
import { red } from '../terminal/colour.mjs';
import { isShuttingDown, stopEverything } from './shutdown.mjs';

const OUTPUT_LINES = 40;

/**
 * Runs a script's body and ends the process with its exit code. Faults that the reader can act on become one
 * line (after the last lines of the command that failed, if any); anything else is a bug and shows its stack.
 *
 * @param {() => Promise<number>} body Resolves to the exit code.
 */
export async function main(body) {
	// Even a bug must not leave our services behind.
	process.once('uncaughtException', async (error) => {
		report(error);
		await stopEverything();
		process.exit(1);
	});
	let exitCode = 1;
	try {
		exitCode = await body();
	} catch (error) {
		// A command that died because we are ending is no news.
		if (!isShuttingDown()) report(error);
	}
	if (isShuttingDown()) return;
	await stopEverything();
	process.exitCode = exitCode;
}

/** @param {unknown} error */
export function report(error) {
	if (!(error instanceof Failure)) {
		console.error(error);
		return;
	}
	if (error.output) console.error(error.output.split('\n').slice(-OUTPUT_LINES).join('\n'));
	console.error(`${red('✗')} ${error.message}`);
}
