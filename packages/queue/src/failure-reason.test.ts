import { AppError } from '@facet/contracts';
import { UnrecoverableError } from 'bullmq';
import { expect, it } from 'vitest';
import { failureFromReason, toBullError } from './failure-reason.ts';

it('lets BullMQ retry only what may pass', () => {
	expect(toBullError(new AppError('corrupt_media'))).toBeInstanceOf(UnrecoverableError);
	expect(toBullError(new AppError('download_timeout'))).not.toBeInstanceOf(UnrecoverableError);
	expect(toBullError(new AppError('download_failed', { retryable: false }))).toBeInstanceOf(
		UnrecoverableError,
	);
});

it('reads back what it wrote, and BullMQ’s own words', () => {
	const written = toBullError(new AppError('url_blocked', { detail: 'no' })).message;
	expect(failureFromReason(written)).toEqual({ status: 'failed', error: { code: 'url_blocked' } });
	expect(failureFromReason('job stalled more than allowable limit').error.code).toBe('worker_lost');
	expect(failureFromReason('Missing lock for job 1').error.code).toBe('internal');
});
