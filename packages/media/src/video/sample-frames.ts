/**
 * The frames that stand for a video: frame `floor(k * N / n)` for k = 0 … n-1, and all of them when there are no more
 * than wanted.
 *
 * @returns 0-based indexes in presentation order, ascending and distinct.
 */
export function sampleIndexes(frameCount: number, wanted: number): number[] {
	const count = Math.max(0, Math.min(frameCount, Math.floor(wanted)));
	return Array.from({ length: count }, (_, k) => Math.floor((k * frameCount) / count));
}
