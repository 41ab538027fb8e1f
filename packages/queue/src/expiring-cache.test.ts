import { expect, it } from 'vitest';
import { ExpiringCache } from './expiring-cache.ts';

it('asks once as long as an answer is good, however many ask meanwhile', async () => {
	let now = 0;
	let asked = 0;
	const cache = new ExpiringCache<number>(1000, 10, () => now);
	const ask = async () => {
		asked += 1;
		return asked;
	};
	expect(await Promise.all([cache.get('a', ask), cache.get('a', ask)])).toEqual([1, 1]);
	now = 999;
	expect(await cache.get('a', ask)).toBe(1);
	now = 1000;
	expect(await cache.get('a', ask)).toBe(2);
});

it('keeps no failure', async () => {
	const cache = new ExpiringCache<number>(1000, 10);
	await expect(cache.get('a', () => Promise.reject(new Error('away')))).rejects.toThrow('away');
	expect(await cache.get('a', async () => 5)).toBe(5);
});

it('drops the oldest beyond its size, and what is no longer good', async () => {
	let now = 0;
	const cache = new ExpiringCache<string>(1000, 2, () => now);
	for (const key of ['a', 'b', 'c']) await cache.get(key, async () => key);
	expect(cache.size).toBe(2);
	expect(await cache.get('c', async () => 'again')).toBe('c');
	expect(await cache.get('a', async () => 'again')).toBe('again');
	now = 1000;
	await cache.get('d', async () => 'd');
	expect(cache.size).toBe(1);
});
