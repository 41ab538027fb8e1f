import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Answer, Facet } from '../support/facet.ts';
import { samplePhoto } from '../support/sample-photos.ts';

describe('jobs in flight', () => {
	let facet: Facet;

	beforeAll(async () => {
		// Without a worker at first: jobs wait.
		facet = await Facet.start(inject('redisUrl'), { API_KEYS: 'environment', SYNC_TIMEOUT_MS: '55000' }, 0);
	});

	afterAll(async () => {
		await facet?.stop();
	});

	it('are limited for each caller, and make room when they end', async () => {
		const img = (await samplePhoto(1)).toString('base64');
		const { key } = await facet.callers.create('Back end', { maxJobsInFlight: 2 });
		const headers = { 'x-api-key': key };
		const refused: Answer[] = [];
		const answers = Array.from({ length: 4 }, async () => {
			const answer = await facet.detect({ img }, headers);
			if (answer.status === 429) refused.push(answer);
			return answer.status;
		});
		const unlimited = Array.from({ length: 3 }, () => facet.detect({ img }, { 'x-api-key': 'environment' }));
		await expect.poll(() => refused.length, { timeout: 10_000 }).toBe(2);
		for (const answer of refused) {
			expect(answer.headers.get('retry-after')).toBe('5');
			expect(answer.body.error).toEqual({
				code: 'too_many_jobs',
				retryable: true,
				detail: 'expected at most 2 jobs in flight, received 1 more to the 2 there are',
			});
		}

		await facet.startWorker();
		expect((await Promise.all(answers)).sort()).toEqual([200, 200, 429, 429]);
		for (const { status } of await Promise.all(unlimited)) expect(status).toBe(200);
		// Jobs that ended, with a result or without, have made room.
		expect((await facet.detect({ img: Buffer.from('not a photo').toString('base64') }, headers)).status).toBe(
			500,
		);
		const again = await Promise.all([facet.detect({ img }, headers), facet.detect({ img }, headers)]);
		expect(again.map(({ status }) => status)).toEqual([200, 200]);
	});
});
