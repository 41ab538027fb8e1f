import type { PinoLogger } from './logger.ts';

/** Logs what nobody caught, and ends the process: its state is unknown from then on. */
export function exitOnUnhandledErrors(logger: PinoLogger): void {
	const fatal = (error: unknown) => {
		logger.fatal({ err: error }, 'stopped by an error');
		process.exit(1);
	};
	process.on('uncaughtException', fatal);
	process.on('unhandledRejection', fatal);
}

/**
 * Calls `stop` at the first SIGTERM or SIGINT, and then ends the process: a connection that waits for a Redis that is away
 * would keep it alive. By then nothing may run that cannot be cut off, inference above all.
 */
export function stopOnSignals(logger: PinoLogger, stop: () => Promise<void>): void {
	let stopping = false;
	for (const signal of ['SIGTERM', 'SIGINT'] as const) {
		process.on(signal, async () => {
			if (stopping) return;
			stopping = true;
			logger.info({ signal }, 'stopping');
			// A rejection is unhandled, and so ends the process.
			await stop();
			logger.info({}, 'stopped');
			process.exit(0);
		});
	}
}
