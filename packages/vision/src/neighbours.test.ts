import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { RgbImage } from '@facet/contracts';
import { afterEach, describe, expect, test } from 'vitest';
import { Neighbours } from './neighbours.ts';

const PICTURE: RgbImage = { data: Uint8Array.of(7, 8, 9), width: 1, height: 1 };
const PARTS = [0, 1, 2, 3, 4];

const all: Neighbours[] = [];

afterEach(() => {
	for (const neighbours of all.splice(0)) neighbours.close();
});

/** Threads of one neighbourhood: they share nothing but the channel, so one thread may play them all. */
function neighbourhood(patienceMs?: number) {
	const channel = randomUUID();
	return () => {
		const thread = new Neighbours({ channel, patienceMs });
		all.push(thread);
		return thread;
	};
}

function pair(patienceMs?: number): [Neighbours, Neighbours] {
	const join = neighbourhood(patienceMs);
	return [join(), join()];
}

/** Notes who did which part, and takes its time. */
function work(doneBy: Map<number, string>, name: string) {
	return async (image: RgbImage, part: number) => {
		doneBy.set(part, name);
		await delay(5);
		return `${part} of ${image.data.join()}`;
	};
}

const expected = PARTS.map((part) => `${part} of 7,8,9`);

describe('Neighbours', () => {
	test('share the parts of a lone picture, first ones here and last ones there', async () => {
		const [one, two] = pair();
		const doneBy = new Map<number, string>();
		const divided = one.divide('look', work(doneBy, 'one'));
		two.divide('look', work(doneBy, 'two'));
		expect(await one.run(true, () => divided(PICTURE, PARTS))).toEqual(expected);
		expect(doneBy.get(0)).toBe('one');
		expect(doneBy.get(4)).toBe('two');
		expect(doneBy.size).toBe(PARTS.length);
	});

	test('each part is done once, however many help', async () => {
		const join = neighbourhood();
		const one = join();
		const done: number[] = [];
		const look = async (_image: RgbImage, part: number) => {
			done.push(part);
			await delay(1);
			return part;
		};
		for (let others = 0; others < 3; others += 1) join().divide('look', look);
		const parts = Array.from({ length: 40 }, (_, part) => part);
		const divided = one.divide('look', look);
		expect(await one.run(true, () => divided(PICTURE, parts))).toEqual(parts);
		expect(done.sort((a, b) => a - b)).toEqual(parts);
	});

	test.each([
		['is not a lone one', false, PICTURE, PARTS],
		['is too large to be copied', true, { data: new Uint8Array(4_000_001), width: 1, height: 1 }, PARTS],
		['has one part', true, PICTURE, [0]],
	])('a task that %s is done here', async (_why, isLone, picture, parts) => {
		const [one, two] = pair();
		const doneBy = new Map<number, string>();
		const divided = one.divide('look', work(doneBy, 'one'));
		two.divide('look', work(doneBy, 'two'));
		await one.run(isLone, () => divided(picture, parts));
		expect([...doneBy]).toEqual(parts.map((part) => [part, 'one']));
	});

	test('one with a task of its own does not help', async () => {
		const [one, two] = pair();
		const doneBy = new Map<number, string>();
		const divided = one.divide('look', work(doneBy, 'one'));
		two.divide('look', work(doneBy, 'two'));
		await two.run(false, () => one.run(true, () => divided(PICTURE, PARTS)));
		expect(new Set(doneBy.values())).toEqual(new Set(['one']));
	});

	test('one that does not know the work does not help', async () => {
		const [one] = pair();
		const divided = one.divide('look', work(new Map(), 'one'));
		expect(await one.run(true, () => divided(PICTURE, PARTS))).toEqual(expected);
	});

	test('an error of a part is thrown here, when nobody is at work any more', async () => {
		const [one, two] = pair();
		let running = 0;
		const look = async (_image: RgbImage, part: number) => {
			running += 1;
			await delay(part === 0 ? 1 : 20);
			running -= 1;
			if (part === 0 || part === 4) throw new RangeError(`part ${part}`);
			return part;
		};
		const divided = one.divide('look', look);
		two.divide('look', look);
		await expect(one.run(true, () => divided(PICTURE, PARTS))).rejects.toThrow(new RangeError('part 0'));
		expect(running).toBe(0);
		await expect(one.run(true, () => divided(PICTURE, [1, 4]))).rejects.toThrow(new RangeError('part 4'));
	});

	test('parts of one that has died with them are done here', async () => {
		const [one, two] = pair(50);
		const doneBy = new Map<number, string>();
		const divided = one.divide('look', work(doneBy, 'one'));
		two.divide('look', () => new Promise(() => {}));
		expect(await one.run(true, () => divided(PICTURE, PARTS))).toEqual(expected);
		expect(doneBy.get(4)).toBe('one');
	});
});
