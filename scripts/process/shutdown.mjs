import { constants } from 'node:os';
import { killChildren } from './children.mjs';

/** @type {Set<() => Promise<unknown>>} In the order of starting. */
const stops = new Set();
let listening = false;
let firstSignalAt = 0;

/**
 * Registers what has to be undone before this process ends: on Ctrl-C, SIGTERM, a closed terminal, a failure or
 * the plain end. What was started last is stopped first.
 *
 * @param {() => Promise<unknown>} stop
 * @returns {() => void} Takes the registration back.
 */
export function atShutdown(stop) {
	if (!listening) {
		listening = true;
		for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, onSignal);
	}
	stops.add(stop);
	return () => stops.delete(stop);
}

/** Stops everything that is registered, one after the other. */
export async function stopEverything() {
	for (const stop of [...stops].reverse()) {
		stops.delete(stop);
		await stop().catch((error) => console.error(`While stopping: ${error.message}`));
	}
}

/** True from the moment that a signal asked this process to end. */
export function isShuttingDown() {
	return firstSignalAt > 0;
}

/** @param {NodeJS.Signals} signal */
async function onSignal(signal) {
	const exitCode = 128 + constants.signals[signal];
	if (firstSignalAt > 0) {
		// One Ctrl-C arrives twice under npm: from the terminal, and passed on by npm. A real second one hurries us.
		if (performance.now() - firstSignalAt < 1000) return;
		killChildren('SIGKILL');
		process.exit(exitCode);
	}
	firstSignalAt = performance.now();
	await stopEverything();
	process.exit(exitCode);
}
