import { MAX_WAIT_SECONDS, outcomeOf } from '@facet/contracts';
import type { RequestHandler } from 'express';
import { parseCancelAfter } from '../cancel-after.ts';
import { parseIdempotencyKey } from '../idempotently.ts';
import { type JobBodyOptions, readJobBody } from '../job-body.ts';
import type { JobSubmissions } from '../job-submissions.ts';
import type { JobViews } from '../job-views.ts';
import { callerOf } from '../middleware/caller.ts';
import { contextOf, setJobId } from '../middleware/request-context.ts';
import { parsePrefer, preferenceApplied } from '../prefer.ts';

export interface CreateJobOptions {
	readonly submissions: JobSubmissions;
	readonly views: JobViews;
	readonly body: JobBodyOptions;
}

/**
 * `POST /v1/jobs`: 202 with the job, or 200 when it has ended: because the client would wait for it, or because it was
 * made by an earlier request with the same idempotency key.
 */
export function createJob({ submissions, views, body }: CreateJobOptions): RequestHandler {
	return async (request, response) => {
		const caller = callerOf(request);
		const { respondAsync, waitSeconds } = parsePrefer(request.get('prefer'));
		const wait = waitSeconds === undefined ? undefined : Math.min(waitSeconds, MAX_WAIT_SECONDS);
		const cancelAfterSeconds = parseCancelAfter(request.get('cancel-after'));
		const idempotencyKey = parseIdempotencyKey(request.get('idempotency-key'));

		const { discard, ...order } = await readJobBody(request, body);
		const submitted = await submissions
			.submit({ ...order, cancelAfterSeconds, idempotencyKey }, { caller, ...contextOf(request) })
			.finally(discard);

		const { id } = submitted.job;
		setJobId(response, id);
		const job = wait ? await views.findEnded(caller.id, id, wait * 1000) : submitted.job;
		// Redis may go away in between; an error has none of these headers.
		const document = await views.document(job);
		response.setHeader('Location', `/v1/jobs/${id}`);
		const applied = preferenceApplied({ respondAsync, waitSeconds: wait });
		if (applied !== undefined) response.setHeader('Preference-Applied', applied);
		if (submitted.isReplay) response.setHeader('Idempotent-Replayed', 'true');
		if (submitted.isShared) response.setHeader('Facet-Deduplicated', 'true');
		response.status(outcomeOf(job) ? 200 : 202).json(document);
	};
}
