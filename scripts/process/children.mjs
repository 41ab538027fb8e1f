import { spawn } from 'node:child_process';

/** @type {Map<import('node:child_process').ChildProcess, boolean>} Each running child, and if it leads a group. */
const running = new Map();

/**
 * Starts a child that `killChildren` knows of. A detached child leads its own process group: a Ctrl-C in the
 * terminal does not reach it, so that we decide in which order such children stop.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} options
 */
export function launch(command, args, options) {
	const child = spawn(command, args, options);
	running.set(child, options.detached === true);
	const forget = () => running.delete(child);
	child.once('exit', forget);
	child.once('error', forget);
	return child;
}

/** @param {NodeJS.Signals} signal */
export function killChildren(signal) {
	for (const [child, leadsGroup] of running) {
		if (leadsGroup) killGroup(child, signal);
		else child.kill(signal);
	}
}

/**
 * Signals a detached child and whatever it started in turn, as far as they are still there.
 *
 * @param {import('node:child_process').ChildProcess} child
 * @param {NodeJS.Signals} signal
 */
export function killGroup(child, signal) {
	if (child.pid === undefined) return;
	try {
		process.kill(-child.pid, signal);
	} catch (error) {
		if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error;
	}
}
