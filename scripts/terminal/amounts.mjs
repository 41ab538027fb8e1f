/** @param {number} since A `performance.now()` from before. */
export function secondsSince(since) {
	return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

/** @param {number} bytes */
export function megabytes(bytes) {
	return `${(bytes / 1e6).toFixed(1)} MB`;
}
