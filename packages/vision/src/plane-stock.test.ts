import { expect, test } from 'vitest';
import { PlaneStock } from './plane-stock.ts';

test('what was lent is lent again, what is out is not', async () => {
	const stock = new PlaneStock(3);
	const seen: Float32Array[] = [];
	await stock.lend(async (first) => {
		await stock.lend(async (other) => {
			expect(other).not.toBe(first);
		});
		seen.push(first);
	});
	await stock.lend(async (first) => {
		await stock.lend(async (second) => {
			const both = [first, second];
			expect(both).toContain(seen[0]);
			expect(both[0]).not.toBe(both[1]);
			expect(both.map(({ length }) => length)).toEqual([3, 3]);
		});
	});
});

test('what was lent comes back after an error', async () => {
	const stock = new PlaneStock(1);
	let lent: Float32Array | undefined;
	const failing = stock.lend(async (planes) => {
		lent = planes;
		throw new Error('on purpose');
	});
	await expect(failing).rejects.toThrow('on purpose');
	expect(await stock.lend(async (planes) => planes)).toBe(lent);
});
