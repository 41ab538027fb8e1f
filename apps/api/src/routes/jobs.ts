import { jobListQuerySchema, jobQuerySchema, parseFields } from '@facet/contracts';
import type { RequestHandler } from 'express';
import { type JobListOptions, listJobs } from '../job-list.ts';
import type { JobRemoval } from '../job-removal.ts';
import { isJobId, type JobViews } from '../job-views.ts';
import { callerOf } from '../middleware/caller.ts';
import { setJobId } from '../middleware/request-context.ts';

type OfOneJob = RequestHandler<{ id: string }>;

/** `GET /v1/jobs/{id}`: the job, at its end if that comes within the wait that the client asks for. */
export function getJob(views: JobViews): OfOneJob {
	return async (request, response) => {
		const { wait = 0 } = parseFields(jobQuerySchema, request.query);
		const job = await views.findEnded(callerOf(request).id, request.params.id, wait * 1000);
		setJobId(response, job.id);
		response.json(await views.document(job));
	};
}

/** `GET /v1/jobs`: the caller's jobs, a page at a time. */
export function listOwnJobs(options: JobListOptions): RequestHandler {
	return async (request, response) => {
		const query = parseFields(jobListQuerySchema, request.query);
		response.json(await listJobs(options, callerOf(request).id, query));
	};
}

/** `POST /v1/jobs/{id}/cancel`: 200 with the canceled job; 409 when it has ended otherwise. */
export function cancelJob(views: JobViews, removal: JobRemoval): OfOneJob {
	return async (request, response) => {
		const { id } = request.params;
		// A conflict names the job, too.
		if (isJobId(id)) setJobId(response, id);
		response.json(await views.document(await removal.cancel(callerOf(request).id, id)));
	};
}

/** `DELETE /v1/jobs/{id}`: 204; nothing is left of the job. */
export function deleteJob(removal: JobRemoval): OfOneJob {
	return async (request, response) => {
		const { id } = request.params;
		await removal.erase(callerOf(request).id, id);
		setJobId(response, id);
		response.status(204).end();
	};
}
