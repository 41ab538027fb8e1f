import { expect, test } from 'vitest';
import { groupSize, tasksAtOnce, tasksInHand } from './tasks-in-hand.ts';

test.each([
	{ threads: 1, atOnce: 2, inHand: 3 },
	{ threads: 2, atOnce: 4, inHand: 7 },
	{ threads: 4, atOnce: 6, inHand: 9 },
	{ threads: 64, atOnce: 96, inHand: 99 },
])('a process of $threads threads works on $atOnce tasks, and has $inHand', ({ threads, atOnce, inHand }) => {
	expect(tasksAtOnce(threads)).toBe(atOnce);
	expect(tasksInHand(threads)).toBe(inHand);
	// While the last of a group is worked on, there is one for each thread, or results would not wait for it.
	expect(inHand - groupSize(threads)).toBeGreaterThanOrEqual(Math.min(threads, atOnce - 1));
});
