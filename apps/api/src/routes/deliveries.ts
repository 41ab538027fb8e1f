import { AppError, toDelivery } from '@facet/contracts';
import type { DeliveryQueue, DeliveryStore } from '@facet/queue';
import type { RequestHandler } from 'express';
import { callerOf } from '../middleware/caller.ts';

export interface DeliveryRoutesOptions {
	readonly deliveries: DeliveryStore;
	readonly queue: DeliveryQueue;
	/** Whether a job of this id is one of the caller's. */
	readonly ownsJob: (owner: string, jobId: string) => Promise<boolean>;
	/** Whether what a message tells of is still stored. */
	readonly hasResult: (jobId: string) => Promise<boolean>;
}

/** `GET /v1/jobs/{id}/deliveries`: what has become of the job's webhook; an empty list while there is none. */
export function listDeliveries({
	deliveries,
	ownsJob,
}: DeliveryRoutesOptions): RequestHandler<{ id: string }> {
	return async (request, response) => {
		const { id } = request.params;
		const owner = callerOf(request).id;
		const record = await deliveries.get(`msg_${id}`);
		if (record?.message.owner === owner) {
			response.json({ data: [toDelivery(record)] });
			return;
		}
		if (!(await ownsJob(owner, id))) throw new AppError('not_found', { detail: 'no job with this id' });
		response.json({ data: [] });
	};
}

/** `POST /v1/deliveries/{id}/replay`: the same message again, under the same `webhook-id`. */
export function replayDelivery({
	deliveries,
	queue,
	hasResult,
}: DeliveryRoutesOptions): RequestHandler<{ id: string }> {
	return async (request, response) => {
		const { id } = request.params;
		const record = await deliveries.get(id);
		if (record?.message.owner !== callerOf(request).id) {
			throw new AppError('not_found', { detail: 'no delivery with this id' });
		}
		const { type, subject } = record.message;
		const isOfJob = subject !== undefined && type !== 'batch.completed';
		if (isOfJob && !(await deliveries.hasBody(id)) && !(await hasResult(subject))) {
			throw new AppError('gone', { detail: 'the result that the webhook told of has expired' });
		}
		response.status(202).json(toDelivery(await queue.replay(record)));
	};
}
