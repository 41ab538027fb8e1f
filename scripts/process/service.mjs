import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../failure.mjs';
import { ROOT } from '../root.mjs';
import { killGroup, launch } from './children.mjs';
import { atShutdown } from './shutdown.mjs';

const TAIL_LINES = 15;
const POLL_MS = 50;

/**
 * A process that runs until it is told to stop.
 *
 * @typedef {object} Service
 * @property {string} name
 * @property {number | undefined} pid
 * @property {Promise<never>} died Rejects with its last log lines when it ends without being told to.
 * @property {(isReady: () => Promise<boolean>, timeoutMs: number) => Promise<void>} waitUntil
 * @property {() => Promise<void>} stop SIGTERM, and SIGKILL when that does not help.
 */

/**
 * Starts a service whose output goes to a file. It leads its own process group, so that Ctrl-C reaches only us and
 * the services stop in the order that we choose; it is stopped when this process ends.
 *
 * @param {{ name: string, command: string, args: readonly string[], env?: NodeJS.ProcessEnv, logFile: string,
 *   stopTimeoutMs?: number }} options
 * @returns {Service}
 */
export function startService({ name, command, args, env = process.env, logFile, stopTimeoutMs = 10_000 }) {
	mkdirSync(dirname(logFile), { recursive: true });
	const log = openSync(logFile, 'w');
	const child = launch(command, args, { cwd: ROOT, env, detached: true, stdio: ['ignore', log, log] });
	closeSync(log);

	let stopping = false;
	/** @type {Promise<string>} */
	const exited = new Promise((resolve) => {
		child.once('exit', (code, signal) => resolve(signal ? `ended by ${signal}` : `exit code ${code}`));
		child.once('error', (error) => resolve(error.message));
	});
	/** @type {Promise<never>} */
	const died = exited.then((reason) => {
		if (stopping) return new Promise(() => {});
		throw new Failure(`${name} ended: ${reason}; its log is ${logFile}`, { output: tail(logFile) });
	});
	// Watched for as long as somebody waits for it; a death that nobody waits for is found at the next wait.
	died.catch(() => {});

	const stop = async () => {
		stopping = true;
		forget();
		child.kill('SIGTERM');
		await Promise.race([exited, sleep(stopTimeoutMs, undefined, { ref: false })]);
		// What it leaves behind goes too: itself when it hangs, and its own children.
		killGroup(child, 'SIGKILL');
		await exited;
	};
	const forget = atShutdown(stop);

	return {
		name,
		pid: child.pid,
		died,
		stop,
		waitUntil: (isReady, timeoutMs) => {
			const ready = poll(isReady, timeoutMs).catch((cause) => {
				throw new Failure(`${name} is not ready: ${cause.message}; its log is ${logFile}`, {
					output: tail(logFile),
					cause,
				});
			});
			return Promise.race([ready, died]);
		},
	};
}

/**
 * @param {() => Promise<boolean>} isReady May reject: not ready yet.
 * @param {number} timeoutMs
 */
async function poll(isReady, timeoutMs) {
	const deadline = performance.now() + timeoutMs;
	let reason = '';
	while (performance.now() < deadline) {
		try {
			if (await isReady()) return;
		} catch (error) {
			reason = `: ${/** @type {Error} */ (error).message}`;
		}
		await sleep(POLL_MS);
	}
	throw new Error(`waited ${timeoutMs / 1000} s${reason}`);
}

/** @param {string} logFile */
function tail(logFile) {
	return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
}
