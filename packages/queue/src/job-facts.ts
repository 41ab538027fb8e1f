import { AppError, type DetectJob, type EndedJob, OPEN_CALLER } from '@facet/contracts';
import type { Job } from 'bullmq';
import { JOB_CATALOGUE, type JobData, type JobName } from './catalogue.ts';

/** @throws AppError `internal` when the data are not what the catalogue says; another version of us may have put them. */
export function parseJobData<Name extends JobName>(name: Name, data: unknown): JobData<Name> {
	const parsed = JOB_CATALOGUE[name].schema.safeParse(data);
	if (parsed.success) return parsed.data;
	throw new AppError('internal', {
		detail: 'job data of an unknown shape',
		retryable: false,
		cause: parsed.error,
	});
}

/**
 * What the outcome of a job that ends now keeps of it.
 *
 * @param attempts - runs, the present one included.
 */
export function endedJobOf(job: Job, data: DetectJob | undefined, attempts: number): EndedJob {
	const { source: _, options: __, requestId: ___, ...facts } = data ?? { owner: OPEN_CALLER };
	return {
		...facts,
		createdAt: job.timestamp,
		...(job.processedOn === undefined ? {} : { startedAt: job.processedOn }),
		finishedAt: Date.now(),
		attempts,
	};
}
