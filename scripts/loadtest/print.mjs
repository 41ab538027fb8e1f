import { bold, dim, red } from '../terminal/colour.mjs';

const BAR_WIDTH = 50;
/** Lateness in ms from which the figures say more of this machine than of the service. */
const LATE_MS = 20;

/** @param {import('./run.mjs').Load} load */
export function printLoad(load) {
	const { latencies, failed, seconds } = load;
	console.log(
		`\n${bold(`${latencies.total} succeeded, ${failed} failed`)} in ${seconds.toFixed(1)} s: ${load.succeededPerSecond.toFixed(1)} a second`,
	);
	console.log(`statuses: ${counts(load.statuses)}`);
	if (failed > 0) console.log(red(`errors: ${counts(load.codes)}`));
	if (latencies.total > 0) {
		console.log('\nlatency of those that succeeded, from the time each was meant to start:');
		const percentiles = load.percentilesMs.map(({ percent, ms }) => `p${percent} ${ms.toFixed(1)} ms`);
		console.log(`${percentiles.join(', ')}, longest ${latencies.maxMs.toFixed(1)} ms\n`);
		printHistogram(latencies.buckets());
	}
	const lateMs = load.lateness.percentileMs(99);
	const note = `sent late by ${lateMs.toFixed(1)} ms at p99`;
	console.log(lateMs > LATE_MS ? red(`${note}: this machine cannot keep up with the rate`) : dim(note));
}

/** @param {ReadonlyMap<string, number>} map */
function counts(map) {
	return [...map].map(([name, count]) => `${count} × ${name}`).join(', ');
}

/**
 * A line for each power of the square root of two.
 *
 * @param {readonly { upToMs: number, count: number }[]} buckets
 */
function printHistogram(buckets) {
	/** @type {Map<number, number>} */
	const lines = new Map();
	for (const { upToMs, count } of buckets) {
		const line = Math.ceil(2 * Math.log2(upToMs));
		lines.set(line, (lines.get(line) ?? 0) + count);
	}
	const [first = 0, last = 0] = [Math.min(...lines.keys()), Math.max(...lines.keys())];
	const most = Math.max(...lines.values());
	for (let line = first; line <= last; line += 1) {
		const count = lines.get(line) ?? 0;
		const bar = '█'.repeat(Math.ceil((BAR_WIDTH * count) / most));
		console.log(`${`≤ ${(2 ** (line / 2)).toFixed(1)} ms`.padStart(14)} ${String(count).padStart(7)} ${bar}`);
	}
}
