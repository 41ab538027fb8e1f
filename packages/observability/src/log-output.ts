import { type DestinationStream, pino } from 'pino';

/** Lines wait no longer than this for others to be written with, in milliseconds. */
const LONGEST_WAIT_MS = 50;
/** Nor beyond this many bytes. */
const MOST_BYTES = 8192;
/** The level of a warning, in pino's numbers: what is as bad or worse is written at once, with all before it. */
const URGENT_LEVEL = 40;

/** Asks pino to set `lastLevel` before each line. */
const NEEDS_METADATA = Symbol.for('pino.metadata');

/**
 * Standard output for lines of a log, several in one write: each write takes longer than to make its line, and wakes whoever
 * reads it. What is written last is not lost when the process ends, unless a signal kills it.
 */
export function logOutput(): DestinationStream {
	const output = pino.destination({ dest: 1, sync: true, minLength: MOST_BYTES });
	let timer: NodeJS.Timeout | undefined;
	const flush = () => {
		clearTimeout(timer);
		timer = undefined;
		output.flushSync();
	};
	process.on('exit', flush);
	return Object.assign(
		{
			lastLevel: 0,
			write(line: string): void {
				output.write(line);
				if (this.lastLevel >= URGENT_LEVEL) flush();
				else timer ??= setTimeout(flush, LONGEST_WAIT_MS).unref();
			},
		},
		{ [NEEDS_METADATA]: true },
	);
}
