import { secondsSince } from './amounts.mjs';
import { dim, green, red } from './colour.mjs';

const FRAMES = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const LABEL_WIDTH = 16;
// Steps that take less than this leave one line only; longer ones say that they have begun.
const QUIET_MS = 500;

/**
 * Runs one step with a line that says what it does, how far it is and how long it took. On a terminal the line
 * is redrawn; in a file or a pipe there is a line at the start of a long step and one at its end.
 *
 * @template T
 * @param {string} label
 * @param {(progress: (detail: string) => void) => Promise<{ value: T, summary?: string }>} work `summary` is what the
 *   last line says.
 * @returns {Promise<T>}
 */
export async function step(label, work) {
	const started = performance.now();
	const line = process.stdout.isTTY ? redrawnLine(label, started) : plainLine(label);
	try {
		const { value, summary = '' } = await work(line.update);
		line.clear();
		console.log(finalLine(green('✓'), label, summary, started));
		return value;
	} catch (error) {
		line.clear();
		console.log(finalLine(red('✗'), label, '', started));
		throw error;
	}
}

/**
 * @param {string} mark
 * @param {string} label
 * @param {string} summary
 * @param {number} started
 */
function finalLine(mark, label, summary, started) {
	return `${mark} ${label.padEnd(LABEL_WIDTH)} ${summary}${summary && ' '}${dim(secondsSince(started))}`;
}

/**
 * @param {string} label
 * @param {number} started
 */
function redrawnLine(label, started) {
	const out = process.stdout;
	let detail = '';
	let frame = 0;
	const draw = () => {
		const mark = FRAMES[frame++ % FRAMES.length];
		const text = `${mark} ${label.padEnd(LABEL_WIDTH)} ${secondsSince(started)}  ${detail}`;
		out.write(`\r\x1b[K${text.slice(0, (out.columns || 80) - 1)}`);
	};
	draw();
	const timer = setInterval(draw, 100);
	return {
		update: (/** @type {string} */ text) => {
			detail = text;
		},
		clear: () => {
			clearInterval(timer);
			out.write('\r\x1b[K');
		},
	};
}

/** @param {string} label */
function plainLine(label) {
	const timer = setTimeout(() => console.log(`… ${label}`), QUIET_MS);
	return { update: () => {}, clear: () => clearTimeout(timer) };
}
