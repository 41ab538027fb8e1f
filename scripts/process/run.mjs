import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { Failure } from '../failure.mjs';
import { ROOT } from '../root.mjs';
import { launch } from './children.mjs';
import { atShutdown } from './shutdown.mjs';

/**
 * Runs a command to its end.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, onLine?: (line: string) => void }} [options]
 * @returns {Promise<string>} What it printed, on either stream.
 * @throws {Failure} With the output, when it cannot be started or exits other than with 0.
 */
export async function run(command, args, { env = process.env, onLine = () => {} } = {}) {
	const child = launch(command, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
	const both = new PassThrough();
	child.stdout?.pipe(both, { end: false });
	child.stderr?.pipe(both, { end: false });
	/** @type {string[]} */
	const lines = [];
	const reader = createInterface({ input: both });
	reader.on('line', (line) => {
		lines.push(line);
		onLine(line);
	});
	child.once('close', () => both.end());
	const drained = new Promise((resolve) => reader.once('close', resolve));
	const code = await exitOf(command, child);
	await drained;
	const output = lines.join('\n');
	if (code !== 0)
		throw new Failure(`${[command, ...args].join(' ')} failed with exit code ${code}`, { output });
	return output;
}

/**
 * Runs a command that writes straight to our terminal.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<number>} Its exit code; 1 when a signal ended it.
 */
export async function runAttached(command, args, { env = process.env } = {}) {
	return exitOf(command, launch(command, args, { cwd: ROOT, env, stdio: 'inherit' }));
}

/**
 * @param {string} command
 * @param {import('node:child_process').ChildProcess} child
 * @returns {Promise<number>}
 */
function exitOf(command, child) {
	/** @type {Promise<number>} */
	const exited = new Promise((resolve, reject) => {
		child.once('close', (code) => resolve(code ?? 1));
		child.once('error', (cause) =>
			reject(new Failure(`Cannot start ${command}: ${cause.message}`, { cause })),
		);
	});
	const forget = atShutdown(async () => {
		child.kill('SIGTERM');
		await exited;
	});
	return exited.finally(forget);
}
