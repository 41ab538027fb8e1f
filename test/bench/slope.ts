/**
 * How fast y grows with x: the median of the slopes between all pairs of points (Theil-Sen), which single outliers, such as
 * a heap just before its collection, do not move.
 */
export function slopeOf(points: readonly { readonly x: number; readonly y: number }[]): number {
	const slopes = points.flatMap((a, i) =>
		points.slice(i + 1).flatMap((b) => (b.x === a.x ? [] : [(b.y - a.y) / (b.x - a.x)])),
	);
	const sorted = slopes.sort((a, b) => a - b);
	const middle = sorted.length / 2;
	const [low = 0, high = 0] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
	return (low + high) / 2;
}
