import { describe, expect, it } from 'vitest';
import { ProcessLimit } from './process-limit.ts';

describe('ProcessLimit', () => {
	it('lets in as many as there are places, in the order of their coming', async () => {
		const limit = new ProcessLimit(1);
		const order: number[] = [];
		const release = await limit.acquire();
		const others = [1, 2].map((name) =>
			limit.acquire().then((done) => {
				order.push(name);
				done();
			}),
		);
		expect(limit.running).toBe(1);
		release();
		release();
		await Promise.all(others);
		expect(order).toEqual([1, 2]);
		expect(limit.running).toBe(0);
	});

	it('gives a further place only if one is free', async () => {
		const limit = new ProcessLimit(2);
		const release = await limit.acquire();
		const further = limit.tryAcquire();
		expect(limit.tryAcquire()).toBeUndefined();
		further?.();
		release();
		expect(limit.running).toBe(0);
	});

	it('forgets who is no longer waiting', async () => {
		const limit = new ProcessLimit(1);
		const release = await limit.acquire();
		const abort = new AbortController();
		const waiting = limit.acquire(abort.signal);
		abort.abort(new Error('gone'));
		await expect(waiting).rejects.toThrow('gone');
		release();
		expect(limit.running).toBe(0);
	});
});
