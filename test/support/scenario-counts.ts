import type { TaskMeta } from 'vitest';

declare module 'vitest' {
	interface TaskMeta {
		/** What a scenario went through, for `npm run test:security` to print. */
		counts?: Readonly<Record<string, number>>;
	}
}

/** Puts down how much a test tried, and how much of that got through. */
export function reportCounts(
	task: { readonly meta: TaskMeta },
	counts: Readonly<Record<string, number>>,
): void {
	task.meta.counts = { ...task.meta.counts, ...counts };
}
