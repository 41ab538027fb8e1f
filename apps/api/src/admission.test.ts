import { describe, expect, it } from 'vitest';
import { Admission } from './admission.ts';

const LARGEST_DEPTH = 200;
const PLACE = { priority: 7, ahead: 3 };

/** At the door of a queue in which so many jobs wait, `own` of them of any one caller. */
function admission(waiting: number, own = waiting): Admission {
	return new Admission({
		producer: {
			takePlace: async ({ maxWaiting = Number.POSITIVE_INFINITY }) => ({
				waiting,
				place: waiting < maxWaiting ? PLACE : undefined,
			}),
			waiting: async () => waiting,
			waitingOf: async () => own,
		},
		// A job every two seconds.
		waiter: { drainRate: { secondsFor: (jobs) => 2 * jobs } },
		maxQueueDepth: LARGEST_DEPTH,
	});
}

describe('single jobs', () => {
	it('get in while there is room', async () => {
		expect(await admission(LARGEST_DEPTH - 1).admitJob('open', 'normal')).toBe(PLACE);
	});

	it('are told when there will be', async () => {
		await expect(admission(LARGEST_DEPTH).admitJob('open', 'normal')).rejects.toMatchObject({
			code: 'queue_full',
			retryAfterSeconds: 2,
		});
		await expect(admission(LARGEST_DEPTH + 9).admitJob('open', 'normal')).rejects.toMatchObject({
			retryAfterSeconds: 20,
		});
	});

	it('of a caller with few get in beyond what others fill, up to a tenth', async () => {
		expect(await admission(LARGEST_DEPTH + 19, 1).admitJob('modest', 'normal')).toBe(PLACE);
		const full = { code: 'queue_full' };
		await expect(admission(LARGEST_DEPTH + 19, 2).admitJob('modest', 'normal')).rejects.toMatchObject(full);
		await expect(admission(LARGEST_DEPTH + 20, 1).admitJob('modest', 'normal')).rejects.toMatchObject(full);
	});
});

describe('batches', () => {
	it('get in as a whole or not at all', async () => {
		await admission(150).admitBatch(50);
		await expect(admission(150).admitBatch(51)).rejects.toMatchObject({
			code: 'queue_full',
			retryAfterSeconds: 2,
		});
	});

	it('that could never wait as a whole are not told to try again', async () => {
		await expect(admission(0).admitBatch(LARGEST_DEPTH + 1)).rejects.toMatchObject({
			code: 'queue_full',
			retryable: false,
		});
	});
});
