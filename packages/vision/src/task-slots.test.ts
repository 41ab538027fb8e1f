import { describe, expect, test } from 'vitest';
import { type SlotsWanted, TaskSlots } from './task-slots.ts';

/** Slots that are all taken, and the names of those who came after, in the order in which they got one. */
async function takenSlots(count: number) {
	const slots = new TaskSlots(count);
	const held = await Promise.all(Array.from({ length: count }, () => slots.take(undefined)));
	const order: string[] = [];
	const line = async (name: string, wanted: SlotsWanted = {}) => {
		const release = await slots.take(undefined, wanted);
		order.push(name);
		release();
	};
	return { slots, order, line, release: () => held.splice(0).map((give) => give()) };
}

describe('TaskSlots', () => {
	test('lets urgent tasks and others take turns, each in their order', async () => {
		const { order, line, release } = await takenSlots(1);
		const others = ['a', 'b', 'c'].map((name) => line(name));
		const urgent = ['A', 'B', 'C'].map((name) => line(name, { isUrgent: true }));
		release();
		await Promise.all([...others, ...urgent]);
		expect(order).toEqual(['A', 'a', 'B', 'b', 'C', 'c']);
	});

	test('lets urgent tasks follow each other where nobody else waits', async () => {
		const { order, line, release } = await takenSlots(1);
		const urgent = ['A', 'B'].map((name) => line(name, { isUrgent: true }));
		release();
		await Promise.all(urgent);
		expect(order).toEqual(['A', 'B']);
	});

	test('lets one that wants all go before urgent ones', async () => {
		const { slots, order, line, release } = await takenSlots(2);
		const urgent = line('urgent', { isUrgent: true });
		const alone = slots.takeAll(undefined).then((give) => {
			order.push('alone');
			give();
		});
		release();
		await Promise.all([urgent, alone]);
		expect(order).toEqual(['alone', 'urgent']);
	});

	test('is idle when also urgent ones are done', async () => {
		const { slots, line, release } = await takenSlots(1);
		const urgent = line('urgent', { isUrgent: true });
		expect(slots.waiting).toBe(1);
		release();
		await slots.idle();
		await urgent;
		expect([slots.waiting, slots.taken]).toEqual([0, 0]);
	});
});
