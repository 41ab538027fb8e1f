import type { DetectJob, Logger } from '@facet/contracts';
import type { JobControl } from '@facet/queue';

export interface DeadlineKeeperOptions {
	readonly control: JobControl;
	/** Drops what was stored for a job that no worker has. */
	readonly onExpired: (jobId: string, data: DetectJob) => Promise<void>;
	readonly logger: Logger;
}

const INTERVAL_MS = 1000;
const PAGE = 100;

/**
 * Ends waiting jobs at the deadline that their callers gave them. A running one ends by its worker, to the millisecond.
 * Every worker looks; a job that two of them end has ended once.
 *
 * @returns a function that stops it.
 */
export function startDeadlineKeeper({ control, onExpired, logger }: DeadlineKeeperOptions): () => void {
	let isLooking = false;
	const look = async () => {
		for (;;) {
			const jobIds = await control.overdue(PAGE);
			for (const jobId of jobIds) {
				const data = await control.end(jobId, 'expired');
				// Of a job that is long gone nothing else takes it off the list.
				await control.forgetDeadline(jobId);
				if (data) await onExpired(jobId, data);
			}
			if (jobIds.length < PAGE) return;
		}
	};
	const timer = setInterval(() => {
		if (isLooking) return;
		isLooking = true;
		look()
			.catch((err: unknown) => logger.warn({ err }, 'queue: look for overdue jobs failed'))
			.finally(() => {
				isLooking = false;
			});
	}, INTERVAL_MS).unref();
	return () => clearInterval(timer);
}
