import { AppError, parseDetectRequest, toDetectSuccess } from '@facet/contracts';
import type { ApiMetrics } from '@facet/observability';
import type { ObjectStore } from '@facet/storage';
import type { RequestHandler } from 'express';
import type { DetectionService } from '../detection-service.ts';
import { callerOf } from '../middleware/caller.ts';
import { contextOf, setJobId } from '../middleware/request-context.ts';

export interface DetectFacesOptions {
	readonly service: DetectionService;
	readonly store: ObjectStore;
	readonly metrics: ApiMetrics;
}

/** `POST /detect_faces`: the documented synchronous call, answered by waiting on a job. */
export function detectFaces({ service, store, metrics }: DetectFacesOptions): RequestHandler {
	return async (request, response) => {
		const { requestId, logger } = contextOf(request);
		const submission = { caller: callerOf(request), requestId, logger };
		const detection = await service.submit(parseDetectRequest(request.body), submission);
		setJobId(response, detection.jobId);
		metrics.waiting.inc();
		const outcome = await detection.outcome().finally(() => metrics.waiting.dec());
		if (outcome.status !== 'succeeded') throw AppError.fromRecord(outcome.error);
		response.json(await toDetectSuccess(outcome.result, (key) => store.url(key)));
	};
}
