import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { type KeyTry, WrongKeys } from './wrong-keys.ts';

let nowMs: number;
let keys: WrongKeys;

beforeEach(() => {
	nowMs = 1_000_000;
	keys = new WrongKeys({ perMinute: 6, maxEntries: 100, now: () => nowMs });
});

/** A try that there is no reason to refuse. */
async function take(client: string, key: string): Promise<KeyTry> {
	const taken = await keys.take(client, key);
	if (typeof taken === 'number') throw new Error(`refused for ${taken} s`);
	return taken;
}

async function getWrong(times: number, client = 'client'): Promise<void> {
	for (let i = 0; i < times; i += 1) (await take(client, `wrong ${i}`)).wrong();
}

async function getRight(client: string, key: string): Promise<void> {
	(await take(client, key)).right();
}

/** For how long a key would be refused; costs nothing. */
async function refusedSeconds(client: string, key: string): Promise<number> {
	const taken = await keys.take(client, key);
	if (typeof taken === 'number') return taken;
	taken.giveBack();
	return 0;
}

it('a client has so many tries at once, and then one every so often', async () => {
	await getWrong(5);
	expect(await refusedSeconds('client', 'x')).toBe(0);
	await getWrong(1);
	expect(await refusedSeconds('client', 'x')).toBe(10);
	nowMs += 9000;
	expect(await refusedSeconds('client', 'x')).toBe(1);
	nowMs += 1000;
	expect(await refusedSeconds('client', 'x')).toBe(0);
	await getWrong(1);
	expect(await refusedSeconds('client', 'x')).toBe(10);
	nowMs += 60_000;
	await getWrong(5);
	expect(await refusedSeconds('client', 'x')).toBe(0);
});

it('tells when the last try is used up, once', async () => {
	const told: boolean[] = [];
	for (let i = 0; i < 6; i += 1) told.push((await take('client', `wrong ${i}`)).wrong());
	expect(told).toEqual([false, false, false, false, false, true]);
	expect(await refusedSeconds('client', 'x')).toBeGreaterThan(0);
});

it('clients do not count for one another', async () => {
	await getWrong(6, 'one');
	expect(await refusedSeconds('one', 'x')).toBeGreaterThan(0);
	expect(await refusedSeconds('other', 'x')).toBe(0);
});

it('what came all at once is forgotten after ten minutes', async () => {
	// Keys that were right, and all are revoked.
	const revoked = Array.from({ length: 90 }, (_, i) => `revoked ${i}`);
	for (const key of revoked) await getRight('client', key);
	for (const key of revoked) (await take('client', key)).wrong();
	expect(await refusedSeconds('client', 'x')).toBeGreaterThan(500);
	expect(await refusedSeconds('client', 'x')).toBeLessThanOrEqual(600);
});

it('a key that was right for the client passes, until it is wrong', async () => {
	await getRight('client', 'right');
	await getWrong(6);
	expect(await refusedSeconds('client', 'right')).toBe(0);
	expect(await refusedSeconds('client', 'x')).toBeGreaterThan(0);
	await getWrong(6, 'other');
	expect(await refusedSeconds('other', 'right')).toBeGreaterThan(0);
	(await take('client', 'right')).wrong();
	expect(await refusedSeconds('client', 'right')).toBeGreaterThan(0);
});

it('remembers no more than it may, and the latest', async () => {
	for (let i = 0; i < 1000; i += 1) {
		await getRight(`client ${i}`, 'right');
		await getWrong(6, `client ${i}`);
	}
	expect(keys.size).toBe(200);
	expect(await refusedSeconds('client 999', 'right')).toBe(0);
	expect(await refusedSeconds('client 999', 'x')).toBeGreaterThan(0);
	expect(await refusedSeconds('client 0', 'x')).toBe(0);
});

describe('keys side by side', () => {
	/** Takes and settles a try for each key at once; what comes of each, and how many were looked at together at most. */
	async function tryAll(outcomes: readonly (keyof KeyTry)[]) {
		let lookedAt = 0;
		let most = 0;
		const results = await Promise.all(
			outcomes.map(async (outcome, i) => {
				const taken = await keys.take('client', `key ${i}`);
				if (typeof taken === 'number') return 'refused';
				lookedAt += 1;
				most = Math.max(most, lookedAt);
				// As a lookup in Redis, which others overtake.
				for (let turn = i % 7; turn >= 0; turn -= 1) await new Promise(setImmediate);
				lookedAt -= 1;
				taken[outcome]();
				return outcome;
			}),
		);
		return { results, most };
	}

	it('that are all wrong are looked at as often as there are tries, and no more', async () => {
		const { results, most } = await tryAll(Array<'wrong'>(500).fill('wrong'));
		expect(results.filter((result) => result === 'wrong')).toHaveLength(6);
		expect(results.filter((result) => result === 'refused')).toHaveLength(494);
		expect(most).toBe(6);
	});

	it('that are all right pass, however many', async () => {
		const { results, most } = await tryAll(Array<'right'>(50).fill('right'));
		expect(new Set(results)).toEqual(new Set(['right']));
		expect(most).toBe(6);
		await getWrong(6);
	});

	it('of which nothing is known, since Redis is away, cost nothing', async () => {
		const { results } = await tryAll(Array<'giveBack'>(50).fill('giveBack'));
		expect(new Set(results)).toEqual(new Set(['giveBack']));
		expect(keys.size).toBe(0);
		await getWrong(6);
	});

	it('one right key, sent many times at once, passes every time', async () => {
		await getWrong(5);
		const tries = Array.from({ length: 20 }, async () => (await take('client', 'right')).right());
		await expect(Promise.all(tries)).resolves.toHaveLength(20);
	});

	it('in any mixture are all settled, the wrong ones within their tries, and leave nothing under way', async () => {
		const outcome = fc.constantFrom<keyof KeyTry>('right', 'wrong', 'giveBack');
		await fc.assert(
			fc.asyncProperty(fc.array(outcome, { maxLength: 40 }), async (outcomes) => {
				keys = new WrongKeys({ perMinute: 6, now: () => nowMs });
				const { results, most } = await tryAll(outcomes);
				const wrong = results.filter((result) => result === 'wrong').length;
				const right = results.filter((result) => result === 'right').length;
				expect(wrong).toBe(Math.min(6, outcomes.filter((each) => each === 'wrong').length));
				if (wrong < 6) expect(results).not.toContain('refused');
				expect(most).toBeLessThanOrEqual(6);
				expect(keys.size).toBe((wrong > 0 ? 1 : 0) + right);
			}),
			{ seed: 6, numRuns: 200 },
		);
	});
});
