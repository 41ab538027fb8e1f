import { describe, expect, it } from 'vitest';
import { HostSlots } from './host-slots.ts';

describe('HostSlots', () => {
	it('has so many slots for each host', () => {
		const slots = new HostSlots(2);
		const release = slots.take('a');
		expect(slots.take('a')).toBeDefined();
		expect(slots.take('a')).toBeUndefined();
		expect(slots.take('b')).toBeDefined();
		release?.();
		expect(slots.take('a')).toBeDefined();
	});

	it('lines messages up by how long the host takes', () => {
		let now = 0;
		const slots = new HostSlots(2, () => now);
		slots.take('slow');
		const release = slots.take('slow');
		now += 10_000;
		release?.();
		slots.take('slow');
		const waits = [1, 2, 3, 4].map(() => slots.waitMs('slow', 0.5));
		waits.forEach((wait, index) => {
			expect(wait).toBeGreaterThan(4500 * (index + 1));
			expect(wait).toBeLessThan(5500 * (index + 1));
		});
	});

	it('has no line longer than five minutes', () => {
		const slots = new HostSlots(1, () => 0);
		slots.take('a');
		let last = 0;
		for (let message = 0; message < 100_000; message += 1) last = slots.waitMs('a', 0.5);
		expect(last).toBe(300_000);
	});

	it('forgets the line as time goes by', () => {
		let now = 0;
		const slots = new HostSlots(1, () => now);
		slots.take('a');
		for (let message = 0; message < 1000; message += 1) slots.waitMs('a');
		now += 300_000;
		expect(slots.waitMs('a', 0.5)).toBe(50);
	});
});
