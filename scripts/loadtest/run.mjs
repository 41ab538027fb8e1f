import { setTimeout as delay } from 'node:timers/promises';
import { LatencyHistogram } from './latency-histogram.mjs';

const PERCENTILES = [50, 75, 90, 95, 99, 99.9];

/** What came of all requests. */
export class Load {
	/** From the intended start to the end, of those that succeeded. */
	latencies = new LatencyHistogram();
	/** How late requests were sent: more than a few ms means that this machine is the bottleneck. */
	lateness = new LatencyHistogram();
	/** @type {Map<string, number>} */
	statuses = new Map();
	/** @type {Map<string, number>} */
	codes = new Map();
	failed = 0;
	seconds = 0;

	/**
	 * @param {import('./target.mjs').Outcome} outcome
	 * @param {number} latencyMs
	 */
	add({ status, code }, latencyMs) {
		const name = status === 0 ? 'no answer' : String(status);
		this.statuses.set(name, (this.statuses.get(name) ?? 0) + 1);
		if (code === undefined) {
			this.latencies.record(latencyMs);
			return;
		}
		this.failed += 1;
		this.codes.set(code, (this.codes.get(code) ?? 0) + 1);
	}

	get succeededPerSecond() {
		return this.latencies.total / this.seconds;
	}

	/** Milliseconds by percentile. */
	get percentilesMs() {
		return PERCENTILES.map((percent) => ({ percent, ms: this.latencies.percentileMs(percent) }));
	}

	toJSON() {
		const { latencies } = this;
		return {
			requests: latencies.total + this.failed,
			succeeded: latencies.total,
			failed: this.failed,
			seconds: this.seconds,
			succeededPerSecond: this.succeededPerSecond,
			statuses: Object.fromEntries(this.statuses),
			errorCodes: Object.fromEntries(this.codes),
			latencyMs: {
				mean: latencies.meanMs,
				...Object.fromEntries(this.percentilesMs.map(({ percent, ms }) => [`p${percent}`, ms])),
				max: latencies.maxMs,
			},
			sentLateMs: { p99: this.lateness.percentileMs(99), max: this.lateness.maxMs },
			histogram: latencies.buckets(),
		};
	}
}

/**
 * Sends a request at each of the times, however many are under way, and waits for all of them. Latencies count from the
 * time that a request was meant for, so that one which could not be sent in time counts its delay too: no coordinated
 * omission (Gil Tene, "How NOT to Measure Latency").
 *
 * @param {readonly number[]} arrivals In milliseconds from now, ascending.
 * @param {import('./target.mjs').Target} target
 * @returns {Promise<Load>}
 */
export async function runLoad(arrivals, target) {
	const load = new Load();
	const startedAt = performance.now();
	const now = () => performance.now() - startedAt;
	const calls = [];
	for (const atMs of arrivals) {
		// Timers have whole milliseconds; never early.
		const waitMs = atMs - now();
		if (waitMs > 0) await delay(Math.ceil(waitMs));
		load.lateness.record(Math.max(0, now() - atMs));
		calls.push(target.call().then((outcome) => load.add(outcome, now() - atMs)));
	}
	await Promise.all(calls);
	load.seconds = now() / 1000;
	return load;
}
