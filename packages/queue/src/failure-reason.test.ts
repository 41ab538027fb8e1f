import { AppError } from '@facet/contracts';
import { UnrecoverableError } from 'bullmq';
import { expect, it } from 'vitest';
import { codeFromReason, toBullError } from './failure-reason.ts';

it('lets BullMQ retry only what may pass', () => {
	expect(toBullError(new AppError('corrupt_media'))).toBeInstanceOf(UnrecoverableError);
	expect(toBullError(new AppError('download_timeout'))).not.toBeInstanceOf(UnrecoverableError);
	expect(toBullError(new AppError('download_failed', { retryable: false }))).toBeInstanceOf(
		UnrecoverableError,
	);
});

it('reads back what it wrote, and takes other words for `internal`', () => {
	const written = toBullError(new AppError('url_blocked', { detail: 'no' })).message;
	expect(codeFromReason(written)).toBe('url_blocked');
	expect(codeFromReason('Missing lock for job 1')).toBe('internal');
});
