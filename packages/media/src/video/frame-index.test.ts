import { describe, expect, it } from 'vitest';
import { completeTimestamps } from './frame-index.ts';

const none = Number.NaN;

describe('completeTimestamps', () => {
	it.each([
		[[0, 1, 2], [0, 1, 2], 0],
		[[1, 2, 3, none], [1, 2, 3, 4], 1],
		[[none, 2, 4], [0, 2, 4], 1],
		[[0, none, none, 30], [0, 10, 20, 30], 2],
		[[none, none], [0, 40], 2],
		[[5, none], [5, 45], 1],
		[[], [], 0],
	])('%j becomes %j', (timestamps, complete, missing) => {
		const result = completeTimestamps(Float64Array.from(timestamps), 40);
		expect([...result.timestamps]).toEqual(complete);
		expect(result.missing).toBe(missing);
	});
});
