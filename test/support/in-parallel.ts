/** Does something with each of the values, so many at once, and gives what came of it in their order. */
export async function inParallel<T, Result>(
	values: readonly T[],
	width: number,
	work: (value: T) => Promise<Result>,
): Promise<Result[]> {
	const results: Result[] = [];
	const queue = [...values.entries()];
	const lane = async () => {
		for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) {
			results[entry[0]] = await work(entry[1]);
		}
	};
	await Promise.all(Array.from({ length: width }, lane));
	return results;
}
