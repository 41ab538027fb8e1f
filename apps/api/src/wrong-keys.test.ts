import { beforeEach, expect, it } from 'vitest';
import { WrongKeys } from './wrong-keys.ts';

let nowMs: number;
let keys: WrongKeys;

beforeEach(() => {
	nowMs = 1_000_000;
	keys = new WrongKeys({ perMinute: 6, maxEntries: 100, now: () => nowMs });
});

function getWrong(times: number, client = 'client'): void {
	for (let i = 0; i < times; i += 1) keys.addWrong(client, `wrong ${i}`);
}

it('a client has so many tries at once, and then one every so often', () => {
	getWrong(5);
	expect(keys.refusedSeconds('client', 'x')).toBe(0);
	getWrong(1);
	expect(keys.refusedSeconds('client', 'x')).toBe(10);
	nowMs += 9000;
	expect(keys.refusedSeconds('client', 'x')).toBe(1);
	nowMs += 1000;
	expect(keys.refusedSeconds('client', 'x')).toBe(0);
	getWrong(1);
	expect(keys.refusedSeconds('client', 'x')).toBe(10);
	nowMs += 60_000;
	getWrong(5);
	expect(keys.refusedSeconds('client', 'x')).toBe(0);
});

it('tells when the last try is used up, once', () => {
	const told = Array.from({ length: 9 }, (_, i) => keys.addWrong('client', `wrong ${i}`));
	expect(told).toEqual([false, false, false, false, false, true, false, false, false]);
});

it('clients do not count for one another', () => {
	getWrong(50, 'one');
	expect(keys.refusedSeconds('other', 'x')).toBe(0);
});

it('what came all at once is forgotten after ten minutes', () => {
	getWrong(5000);
	expect(keys.refusedSeconds('client', 'x')).toBeLessThanOrEqual(600);
});

it('a key that was right for the client passes, until it is wrong', () => {
	keys.addRight('client', 'right');
	getWrong(50);
	expect(keys.refusedSeconds('client', 'right')).toBe(0);
	expect(keys.refusedSeconds('client', 'x')).toBeGreaterThan(0);
	getWrong(50, 'other');
	expect(keys.refusedSeconds('other', 'right')).toBeGreaterThan(0);
	keys.addWrong('client', 'right');
	expect(keys.refusedSeconds('client', 'right')).toBeGreaterThan(0);
});

it('remembers no more than it may, and the latest', () => {
	for (let i = 0; i < 1000; i += 1) {
		keys.addRight(`client ${i}`, 'right');
		getWrong(6, `client ${i}`);
	}
	expect(keys.size).toBe(200);
	expect(keys.refusedSeconds('client 999', 'right')).toBe(0);
	expect(keys.refusedSeconds('client 999', 'x')).toBeGreaterThan(0);
	expect(keys.refusedSeconds('client 0', 'x')).toBe(0);
});
