import { afterEach, describe, expect, it } from 'vitest';
import { startMemoryWatch } from './memory-watch.ts';

const logger = { debug() {}, info() {}, warn() {}, error() {} };
let stop = () => {};
afterEach(() => stop());

/** Watches a process whose resident memory is the test's to say; `exceeded` resolves when the limit was passed. */
function watch(maxRssBytes: number, sizes: readonly number[]) {
	let looks = 0;
	const exceeded = new Promise<number>((resolve) => {
		stop = startMemoryWatch({
			maxRssBytes,
			onExceeded: async () => resolve(looks),
			logger,
			rssBytes: () => {
				looks += 1;
				return sizes[Math.min(looks, sizes.length) - 1] ?? 0;
			},
			intervalMs: 1,
		});
	});
	return { exceeded, looks: () => looks };
}

describe('startMemoryWatch', () => {
	it('tells once when the process is larger than its limit', async () => {
		expect(await watch(100, [50, 99, 100, 101, 200]).exceeded).toBe(4);
	});

	it('does not watch a process that is larger at its start, or without a limit', () => {
		expect(watch(100, [101, 102]).looks()).toBe(1);
		expect(watch(0, [101]).looks()).toBe(0);
	});
});
