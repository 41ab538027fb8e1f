import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Facet } from '../support/facet.ts';
import { reportCounts } from '../support/scenario-counts.ts';

/** So few that the bucket gives back a try only every twelve seconds: what it refuses now, it refuses a request later. */
const WRONG_KEYS = 5;
const GUESSES = 200;

describe('guessing keys without end', () => {
	let facet: Facet;
	let owner: { readonly 'x-api-key': string };

	beforeAll(async () => {
		facet = await Facet.start(
			inject('redisUrl'),
			{ REQUIRE_API_KEY: 'true', WRONG_KEYS_PER_MINUTE: String(WRONG_KEYS) },
			0,
		);
		owner = { 'x-api-key': (await facet.callers.create('Owner')).key };
	});

	afterAll(async () => {
		await facet?.stop();
	});

	async function statusOf(headers: Record<string, string>): Promise<number> {
		const response = await fetch(`${facet.url}/v1/jobs`, { headers });
		await response.body?.cancel();
		return response.status;
	}

	it('leads nowhere, nor are others kept out by it', async ({ task }) => {
		const client = { 'x-forwarded-for': '198.51.100.7' };
		const guess = () => statusOf({ ...client, 'x-api-key': `fct_${randomBytes(32).toString('base64url')}` });
		const counts = { guesses: WRONG_KEYS, 'looked at': WRONG_KEYS, refused: 0 };
		for (let i = 0; i < WRONG_KEYS; i += 1) expect(await guess()).toBe(401);
		// A stored key that is right: who guesses does not learn that this was it.
		expect(await statusOf({ ...client, ...owner })).toBe(429);
		const startedMs = performance.now();
		for (; counts.guesses < GUESSES; counts.guesses += 1) {
			const status = await guess();
			expect([401, 429]).toContain(status);
			counts[status === 401 ? 'looked at' : 'refused'] += 1;
		}
		const givenBack = ((performance.now() - startedMs) / 60_000) * WRONG_KEYS;
		expect(counts['looked at']).toBeLessThanOrEqual(WRONG_KEYS + Math.ceil(givenBack));
		expect(counts.refused).toBeGreaterThan(0);
		expect(await statusOf(owner)).toBe(200);
		reportCounts(task, counts);
	});
});
