/** Calls `action` for 0 to `count` - 1, at most `limit` at a time; the results in that order. */
export async function inParallel<T>(
	limit: number,
	count: number,
	action: (index: number) => Promise<T>,
): Promise<T[]> {
	const results: T[] = [];
	let next = 0;
	const work = async () => {
		while (next < count) {
			const index = next;
			next += 1;
			results[index] = await action(index);
		}
	};
	await Promise.all(Array.from({ length: limit }, work));
	return results;
}
