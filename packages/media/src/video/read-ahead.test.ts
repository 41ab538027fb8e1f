import { describe, expect, it } from 'vitest';
import { ReadAhead } from './read-ahead.ts';

/** Counts what was asked for, and whether it was ended. */
function countingSource(end: number) {
	const seen = { asked: 0, ended: false };
	async function* count() {
		try {
			while (seen.asked < end) {
				seen.asked += 1;
				yield seen.asked;
			}
		} finally {
			seen.ended = true;
		}
	}
	return { seen, source: count() };
}

describe('ReadAhead', () => {
	it('begins at once, keeps so many ready, and gives them in order', async () => {
		const { seen, source } = countingSource(5);
		const reader = new ReadAhead(source, 3);
		expect(await reader.next()).toBe(1);
		expect(seen.asked).toBeLessThanOrEqual(4);
		expect([await reader.next(), await reader.next(), await reader.next()]).toEqual([2, 3, 4]);
		expect([await reader.next(), await reader.next(), await reader.next()]).toEqual([
			5,
			undefined,
			undefined,
		]);
		expect(seen.ended).toBe(true);
	});

	it('ends its source, even when nothing was taken', async () => {
		const { seen, source } = countingSource(5);
		await new ReadAhead(source, 1).close();
		expect(seen).toEqual({ asked: 1, ended: true });
	});

	it('throws what the source throws, when its turn comes', async () => {
		async function* failing() {
			yield 1;
			throw new Error('broken');
		}
		const reader = new ReadAhead(failing(), 5);
		expect(await reader.next()).toBe(1);
		await expect(reader.next()).rejects.toThrow('broken');
	});
});
