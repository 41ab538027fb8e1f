import { expect, it } from 'vitest';
import { DrainRate } from './drain-rate.ts';

it('estimates from what ended lately', () => {
	let now = 0;
	const rate = new DrainRate(() => now);
	expect(rate.secondsFor(10)).toBe(30);
	for (let job = 0; job < 50; job += 1) {
		now += 200;
		rate.count();
	}
	expect(rate.perSecond).toBeCloseTo(5, 0);
	expect(rate.secondsFor(20)).toBe(4);
	expect(rate.secondsFor(1)).toBe(1);
	expect(rate.secondsFor(1e6)).toBe(300);
	now += 60_000;
	expect(rate.perSecond).toBe(0);
});
