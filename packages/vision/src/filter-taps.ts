/** The weighted source pixels of every sample along one axis. */
export interface FilterTaps {
	/** First source pixel of each sample. */
	readonly starts: Int32Array;
	/** Number of source pixels of each sample. */
	readonly counts: Int32Array;
	/** `tapsPerSample` weights a sample, of which the first `count` are used and add up to 1. */
	readonly weights: Float32Array;
	readonly tapsPerSample: number;
	/** The source pixels that any sample touches, inclusive. */
	readonly first: number;
	readonly last: number;
}

/**
 * A triangle filter as wide as the step between samples, along one axis.
 *
 * @param start - where the region begins, in source pixels, `length` how long it is; it may be fractional and reach beyond.
 * @param limit - number of source pixels.
 */
export function filterTaps(start: number, length: number, samples: number, limit: number): FilterTaps {
	const step = length / samples;
	const reach = Math.max(1, step);
	const tapsPerSample = Math.floor(2 * reach) + 1;
	const starts = new Int32Array(samples);
	const counts = new Int32Array(samples);
	const weights = new Float32Array(samples * tapsPerSample);
	let first = limit - 1;
	let last = 0;
	for (let sample = 0; sample < samples; sample++) {
		// Pixel centres are at half coordinates in both grids. Beyond the edge the nearest pixel stands in.
		const center = Math.min(Math.max(start + (sample + 0.5) * step - 0.5, 0), limit - 1);
		const from = Math.max(0, Math.ceil(center - reach));
		const to = Math.min(limit - 1, Math.floor(center + reach));
		let total = 0;
		for (let pixel = from; pixel <= to; pixel++) total += 1 - Math.abs(pixel - center) / reach;
		for (let pixel = from; pixel <= to; pixel++) {
			weights[sample * tapsPerSample + pixel - from] = (1 - Math.abs(pixel - center) / reach) / total;
		}
		starts[sample] = from;
		counts[sample] = to - from + 1;
		first = Math.min(first, from);
		last = Math.max(last, to);
	}
	return { starts, counts, weights, tapsPerSample, first, last };
}
