/** The middle value; the lower one of two. NaN of nothing. */
export function median(values: readonly number[]): number {
	return percentile(values, 50);
}

/** The least value that `percent` of the values do not exceed (nearest rank). NaN of nothing. */
export function percentile(values: readonly number[], percent: number): number {
	const sorted = [...values].sort((a, b) => a - b);
	const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
	return sorted[rank - 1] ?? Number.NaN;
}

/** Rounded to so many decimals. */
export function rounded(value: number, decimals = 0): number {
	return Number(value.toFixed(decimals));
}
