/** Each power of two is cut into so many buckets: a recorded value is known to one part in 64. */
const SUB_BUCKETS = 64;

/**
 * Counts latencies in buckets whose width grows with the value, as HdrHistogram does: a fixed relative error from
 * microseconds to hours, in memory that does not grow with the number of values.
 */
export class LatencyHistogram {
	/** Counts by bucket. @type {Map<number, number>} */
	#counts = new Map();
	#total = 0;
	#sum = 0;
	#max = 0;

	/** @param {number} ms */
	record(ms) {
		const bucket = bucketOf(ms);
		this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1);
		this.#total += 1;
		this.#sum += ms;
		this.#max = Math.max(this.#max, ms);
	}

	get total() {
		return this.#total;
	}

	/** The highest value, exactly; 0 of none. */
	get maxMs() {
		return this.#max;
	}

	get meanMs() {
		return this.#total === 0 ? 0 : this.#sum / this.#total;
	}

	/**
	 * A value that `percent` of the recorded ones do not exceed, at most one part in 64 too high.
	 *
	 * @param {number} percent
	 */
	percentileMs(percent) {
		const rank = Math.ceil((percent / 100) * this.#total);
		let seen = 0;
		for (const [bucket, count] of this.#sorted()) {
			seen += count;
			if (seen >= rank) return Math.min(upperEndOf(bucket), this.#max);
		}
		return this.#max;
	}

	/**
	 * The non-empty buckets in ascending order.
	 *
	 * @returns {{ upToMs: number, count: number }[]}
	 */
	buckets() {
		return this.#sorted().map(([bucket, count]) => ({ upToMs: upperEndOf(bucket), count }));
	}

	#sorted() {
		return [...this.#counts].sort(([a], [b]) => a - b);
	}
}

/** @param {number} ms */
function bucketOf(ms) {
	const microseconds = Math.max(1, ms * 1000);
	const power = Math.floor(Math.log2(microseconds));
	return power * SUB_BUCKETS + Math.floor((microseconds / 2 ** power - 1) * SUB_BUCKETS);
}

/** @param {number} bucket */
function upperEndOf(bucket) {
	const power = Math.floor(bucket / SUB_BUCKETS);
	return (2 ** power * (1 + ((bucket % SUB_BUCKETS) + 1) / SUB_BUCKETS)) / 1000;
}
