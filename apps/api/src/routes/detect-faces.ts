import { AppError, type JobOutcome, parseDetectRequest, toDetectSuccess } from '@facet/contracts';
import type { ApiMetrics } from '@facet/observability';
import type { ObjectStore } from '@facet/storage';
import type { RequestHandler, Response } from 'express';
import type { AwaitedJob, AwaitedJobs } from '../awaited-jobs.ts';
import type { JobViews } from '../job-views.ts';
import { callerOf } from '../middleware/caller.ts';
import { contextOf, setJobId } from '../middleware/request-context.ts';
import { parsePrefer, preferenceApplied } from '../prefer.ts';

export interface DetectFacesOptions {
	readonly jobs: AwaitedJobs;
	readonly views: JobViews;
	readonly store: ObjectStore;
	readonly metrics: ApiMetrics;
	/** How long a synchronous request waits, in milliseconds. */
	readonly syncTimeoutMs: number;
}

/**
 * `POST /detect_faces`: the documented synchronous call, answered by waiting on a job. A client that prefers
 * `respond-async` gets the job, as `/v1` shows it, when it has not ended within its wait.
 */
export function detectFaces(options: DetectFacesOptions): RequestHandler {
	const { jobs, views, store, metrics, syncTimeoutMs } = options;
	return async (request, response) => {
		const context = contextOf(request);
		const { respondAsync, waitSeconds } = parsePrefer(request.get('prefer'));
		// A longer wait than ours is not granted.
		const wait = waitSeconds !== undefined && waitSeconds * 1000 <= syncTimeoutMs ? waitSeconds : undefined;
		const submission = { caller: callerOf(request), ...context };
		const awaited = await jobs.begin(parseDetectRequest(request.body), submission, respondAsync);
		setJobId(response, awaited.job.id);
		const applied = preferenceApplied({ respondAsync, waitSeconds: wait });
		if (applied !== undefined) response.setHeader('Preference-Applied', applied);

		const timeoutMs = wait === undefined ? (respondAsync ? 0 : syncTimeoutMs) : wait * 1000;
		const detach = () => {
			// The job runs on; without Redis an identical request makes another one.
			return awaited
				.detach()
				.catch((err: unknown) => context.logger.warn({ err }, 'job not to be found again'));
		};
		metrics.waiting.inc();
		const outcome = await outcomeWithin(awaited, timeoutMs, response, detach).finally(() =>
			metrics.waiting.dec(),
		);
		if (outcome === undefined) {
			if (!respondAsync) throw new AppError('wait_timeout');
			const document = await views.document(awaited.job);
			response.status(202).setHeader('Location', `/v1/jobs/${awaited.job.id}`);
			response.json(document);
			return;
		}
		if (outcome.status !== 'succeeded') throw AppError.fromRecord(outcome.error);
		response.json(await toDetectSuccess(outcome.result, (key) => store.url(key)));
	};
}

/**
 * The outcome, or undefined when the wait is over first. Then, and when the client goes away, the job is detached.
 *
 * @throws AppError as `AwaitedJob.outcome`, but for `wait_timeout`.
 */
async function outcomeWithin(
	awaited: AwaitedJob,
	timeoutMs: number,
	response: Response,
	detach: () => Promise<void>,
): Promise<JobOutcome | undefined> {
	const onClose = () => void detach();
	if (response.closed) onClose();
	else response.once('close', onClose);
	try {
		return await awaited.outcome(timeoutMs);
	} catch (thrown) {
		const { code } = AppError.from(thrown);
		// Before the answer: whoever asks again at once gets this job.
		if (code === 'wait_timeout' || code === 'shutting_down') await detach();
		if (code !== 'wait_timeout') throw thrown;
		return undefined;
	} finally {
		response.off('close', onClose);
	}
}
