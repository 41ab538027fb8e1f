import { describe, expect, it } from 'vitest';
import { HostSlots } from './host-slots.ts';

/** Slots on a clock of their own, and a host of which is known that an attempt takes so long. */
async function slotsAt(perHost: number, attemptMs: number) {
	const clock = { now: 0 };
	const slots = new HostSlots(perHost, () => clock.now);
	const held = await Promise.all(Array.from({ length: perHost }, () => slots.take('host')));
	const release = held.pop();
	clock.now += attemptMs;
	release?.();
	return { slots, clock, last: await slots.take('host') };
}

describe('HostSlots', () => {
	it('has so many slots for each host', async () => {
		const slots = new HostSlots(2);
		const release = await slots.take('a');
		expect(await slots.take('a')).toBeDefined();
		expect(await slots.take('a')).toBeUndefined();
		expect(await slots.take('b')).toBeDefined();
		release?.();
		expect(await slots.take('a')).toBeDefined();
	});

	it('lets a few wait at a quick host, in their order', async () => {
		const { slots, last } = await slotsAt(1, 4);
		const order: number[] = [];
		const waiting = [1, 2, 3].map(async (place) => {
			const release = await slots.take('host');
			order.push(place);
			release?.();
			return release;
		});
		last?.();
		expect(await Promise.all(waiting)).not.toContain(undefined);
		expect(order).toEqual([1, 2, 3]);
	});

	it('sends away those for whom there is no room', async () => {
		const { slots, last } = await slotsAt(1, 4);
		const waiting = Array.from({ length: 8 }, () => slots.take('host'));
		expect(await slots.take('host')).toBeUndefined();
		last?.();
		for (const entered of waiting) (await entered)?.();
	});

	it('sends away those that would wait long', async () => {
		const { slots } = await slotsAt(2, 1001);
		expect(await slots.take('host')).toBeUndefined();
	});

	it('sends away those that wait in vain, at a host that has become slow', async () => {
		const { slots } = await slotsAt(1, 4);
		expect(await slots.take('host')).toBeUndefined();
	});

	it('lines those who are sent away up by how long the host takes', async () => {
		const { slots } = await slotsAt(2, 10_000);
		expect([1, 2, 3, 4].map(() => slots.waitMs('host', 0.5))).toEqual([5000, 10_000, 15_000, 20_000]);
	});

	it('has no line longer than five minutes, and forgets it as time goes by', async () => {
		const { slots, clock } = await slotsAt(1, 60);
		let last = 0;
		for (let message = 0; message < 10_000; message += 1) last = slots.waitMs('host', 0.5);
		expect(last).toBe(300_000);
		clock.now += 300_000;
		expect(slots.waitMs('host', 0.5)).toBe(60);
	});
});
