import { outcomeOf } from '@facet/contracts';
import type { JobEvents, JobWaiter } from '@facet/queue';
import type { RequestHandler } from 'express';
import { EventStream } from '../event-stream.ts';
import { JobEventFeed, parseLastEvent } from '../job-event-feed.ts';
import type { JobViews } from '../job-views.ts';
import { callerOf } from '../middleware/caller.ts';
import { contextOf, setJobId } from '../middleware/request-context.ts';

export interface JobEventsOptions {
	readonly views: JobViews;
	readonly events: JobEvents;
	readonly waiter: JobWaiter;
	/** Fires when this process is about to stop: clients had better go on at another one. */
	readonly stopping: AbortSignal;
}

/** `GET /v1/jobs/{id}/events`: server-sent events `status` and `progress` until the job has ended. */
export function streamJobEvents({
	views,
	events,
	waiter,
	stopping,
}: JobEventsOptions): RequestHandler<{ id: string }> {
	return async (request, response) => {
		const { id } = request.params;
		const { id: owner } = callerOf(request);
		const last = parseLastEvent(request.get('last-event-id'));
		const job = await views.find(owner, id);
		setJobId(response, id);
		if (last?.isEnd && outcomeOf(job)) {
			// Tells browsers not to come again.
			response.status(204).end();
			return;
		}
		if (response.destroyed) return;
		request.socket.setKeepAlive(true, 30_000);
		const { logger } = contextOf(request);
		const stop = JobEventFeed.start(id, new EventStream(response), last, {
			events,
			waiter,
			logger,
			look: () => views.find(owner, id),
		});
		stopping.addEventListener('abort', stop, { once: true });
		response.once('close', () => {
			stopping.removeEventListener('abort', stop);
			stop();
		});
		if (stopping.aborted) stop();
	};
}
