import { expect, test } from 'vitest';
import { PlaneStock } from './plane-stock.ts';

test('what was lent is lent again, what is out is not', async () => {
	const stock = new PlaneStock(3);
	const seen: Float32Array[] = [];
	await stock.lend(async (take) => {
		const first = take();
		await stock.lend(async (takeOther) => {
			expect(takeOther()).not.toBe(first);
		});
		seen.push(first);
	});
	await stock.lend(async (take) => {
		const both = [take(), take()];
		expect(both).toContain(seen[0]);
		expect(both[0]).not.toBe(both[1]);
		expect(both.map(({ length }) => length)).toEqual([3, 3]);
	});
});

test('what was lent comes back after an error', async () => {
	const stock = new PlaneStock(1);
	let lent: Float32Array | undefined;
	const failing = stock.lend(async (take) => {
		lent = take();
		throw new Error('on purpose');
	});
	await expect(failing).rejects.toThrow('on purpose');
	expect(await stock.lend(async (take) => take())).toBe(lent);
});
