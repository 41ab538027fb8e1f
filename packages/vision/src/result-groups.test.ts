import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ResultGroups } from './result-groups.ts';

let sent: (readonly string[])[] = [];
let groups: ResultGroups<string>;

beforeEach(() => {
	vi.useFakeTimers();
	sent = [];
	groups = new ResultGroups<string>({
		size: 3,
		longestWaitMs: 50,
		send: (items) => sent.push(items),
	});
});
afterEach(() => {
	vi.useRealTimers();
});

describe('ResultGroups', () => {
	test('sends as many as make a group, in their order, and begins the next', () => {
		for (const item of ['a', 'b', 'c', 'd', 'e']) groups.add(item, true);
		expect(sent).toEqual([['a', 'b', 'c']]);
		groups.add('f', true);
		expect(sent).toEqual([
			['a', 'b', 'c'],
			['d', 'e', 'f'],
		]);
	});

	test('sends at once, with those that wait, what must not', () => {
		groups.add('a', true);
		groups.add('b', false);
		expect(sent).toEqual([['a', 'b']]);
	});

	test('sends what has waited long enough, counted from the first', () => {
		groups.add('a', true);
		vi.advanceTimersByTime(40);
		groups.add('b', true);
		vi.advanceTimersByTime(9);
		expect(sent).toEqual([]);
		vi.advanceTimersByTime(1);
		expect(sent).toEqual([['a', 'b']]);
	});

	test('does not let the next group go early because of the one before', () => {
		for (const item of ['a', 'b']) groups.add(item, true);
		vi.advanceTimersByTime(30);
		groups.add('c', true);
		groups.add('d', true);
		vi.advanceTimersByTime(49);
		expect(sent).toEqual([['a', 'b', 'c']]);
		vi.advanceTimersByTime(1);
		expect(sent).toEqual([['a', 'b', 'c'], ['d']]);
	});
});
