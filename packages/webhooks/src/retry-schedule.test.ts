import { describe, expect, it } from 'vitest';
import { parseRetryAfter, retryDelayMs } from './retry-schedule.ts';

const schedule = [0, 5000, 300_000];
const DAY_MS = 86_400_000;

describe('retryDelayMs', () => {
	it('follows the schedule and ends with it', () => {
		expect([0, 1, 2, 3].map((made) => retryDelayMs(schedule, made, 0, 0))).toEqual([
			0,
			5000,
			300_000,
			undefined,
		]);
	});

	it('comes a little later, never earlier', () => {
		expect(retryDelayMs(schedule, 1, 0, 1)).toBe(5500);
		for (let round = 0; round < 100; round += 1) {
			const delay = retryDelayMs(schedule, 2) ?? 0;
			expect(delay).toBeGreaterThanOrEqual(300_000);
			expect(delay).toBeLessThanOrEqual(330_000);
		}
	});

	it.each([
		[60_000, 60_000],
		[1000, 5000],
		[9 * DAY_MS, DAY_MS],
	])('a receiver that asks for %i ms gets %i', (asked, given) => {
		expect(retryDelayMs(schedule, 1, asked, 0)).toBe(given);
	});

	it('makes no more attempts because a receiver asks for time', () => {
		expect(retryDelayMs(schedule, 3, 1000)).toBeUndefined();
	});
});

describe('parseRetryAfter', () => {
	const now = Date.UTC(2026, 0, 1, 12, 0, 0);

	it.each([
		['120', 120_000],
		[' 7 ', 7000],
		['Thu, 01 Jan 2026 12:01:00 GMT', 60_000],
		['Thu, 01 Jan 2026 11:59:00 GMT', undefined],
		['0', undefined],
		['soon', undefined],
		['-5', undefined],
		['', undefined],
		[undefined, undefined],
	])('%j is %j ms', (header, expected) => {
		expect(parseRetryAfter(header, now)).toBe(expected);
	});
});
