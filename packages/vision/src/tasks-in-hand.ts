/**
 * How many tasks an inference process works on at once. Each is being decoded, searched, or on its way to a thread or from it; two
 * a thread keep two cores busy, and on more of them not all threads wait for a picture at the same time. Every task more is a
 * decoded picture more in memory (ADR 11).
 */
export function tasksAtOnce(threads: number): number {
	return Math.min(2 * threads, threads + Math.max(2, Math.ceil(threads / 2)));
}

/** How many results go from it at once, when there is enough to do meanwhile (ADR 13). */
export function groupSize(threads: number): number {
	return Math.min(4, 2 * threads);
}

/** How many tasks it has at most: those that it works on, and others in the place of those whose results wait to be sent. */
export function tasksInHand(threads: number): number {
	return tasksAtOnce(threads) + groupSize(threads) - 1;
}
