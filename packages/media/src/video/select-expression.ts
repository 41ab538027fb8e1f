/**
 * An expression for ffmpeg's `select` filter that is true for some values of a variable: neighbours become ranges, and the
 * sum is a balanced tree, since ffmpeg evaluates it recursively.
 *
 * @param ranges - pairs of first and last value.
 */
export function selectExpression(
	variable: 'pts' | 'n',
	ranges: readonly (readonly [number, number])[],
): string {
	const [only] = ranges;
	if (ranges.length <= 1) return only === undefined ? '0' : range(variable, only);
	const half = ranges.length >> 1;
	const left = selectExpression(variable, ranges.slice(0, half));
	const right = selectExpression(variable, ranges.slice(half));
	return `(${left}+${right})`;
}

function range(variable: string, [first, last]: readonly [number, number]): string {
	return first === last ? `eq(${variable},${first})` : `between(${variable},${first},${last})`;
}

/** Ascending indexes as runs of neighbours: `[0, 1, 2, 7]` becomes `[[0, 2], [7, 7]]`. */
export function toRuns(indexes: readonly number[]): [number, number][] {
	const runs: [number, number][] = [];
	for (const index of indexes) {
		const run = runs.at(-1);
		if (run && run[1] + 1 === index) run[1] = index;
		else runs.push([index, index]);
	}
	return runs;
}
