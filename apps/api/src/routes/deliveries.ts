import { AppError, type DeliveryList, toDelivery, type WebhookMessage } from '@facet/contracts';
import type { BatchStore, DeliveryQueue, DeliveryStore, JobIndex, ResultStore } from '@facet/queue';
import type { RequestHandler } from 'express';
import { callerOf } from '../middleware/caller.ts';

export interface DeliveryRoutesOptions {
	readonly deliveries: DeliveryStore;
	readonly queue: DeliveryQueue;
	readonly jobs: JobIndex;
	readonly results: ResultStore;
	readonly batches: BatchStore;
}

/**
 * `GET /v1/jobs/{id}/deliveries` and `GET /v1/batches/{id}/deliveries`: what has become of the webhook that tells of the
 * end; an empty list while there is none.
 */
export function listDeliveries(
	of: 'job' | 'batch',
	{ deliveries, jobs, batches }: DeliveryRoutesOptions,
): RequestHandler<{ id: string }> {
	const owns = {
		job: async (owner: string, id: string) => jobs.has(owner, id),
		batch: async (owner: string, id: string) => {
			const batch = await batches.read(id);
			return batch?.owner === owner && !batch.erased;
		},
	}[of];
	return async (request, response) => {
		const { id } = request.params;
		const owner = callerOf(request).id;
		const record = await deliveries.get(`msg_${id}`);
		const isOfOther = record !== undefined && isOfBatch(record.message) !== (of === 'batch');
		const isTheirs = record === undefined ? await owns(owner, id) : record.message.owner === owner;
		if (isOfOther || !isTheirs) throw new AppError('not_found', { detail: `no ${of} of yours with this id` });
		const answer: DeliveryList = { data: record === undefined ? [] : [toDelivery(record)] };
		response.json(answer);
	};
}

/** `POST /v1/deliveries/{id}/replay`: the same message again, under the same `webhook-id`. */
export function replayDelivery(options: DeliveryRoutesOptions): RequestHandler<{ id: string }> {
	const { deliveries, queue } = options;
	return async (request, response) => {
		const { id } = request.params;
		const record = await deliveries.get(id);
		if (record?.message.owner !== callerOf(request).id) {
			throw new AppError('not_found', { detail: 'no delivery of yours with this id' });
		}
		if (!(await deliveries.hasBody(id)) && !(await isStored(record.message, options))) {
			throw new AppError('gone', { detail: 'the result that the webhook told of has expired' });
		}
		response.status(202).json(toDelivery(await queue.replay(record)));
	};
}

/** Whether a body can be made for the message. */
async function isStored(
	message: WebhookMessage,
	{ results, batches }: DeliveryRoutesOptions,
): Promise<boolean> {
	// A test tells of nothing.
	if (message.subject === undefined) return true;
	if (isOfBatch(message)) return (await batches.read(message.subject)) !== undefined;
	return (await results.ended([message.subject])).length > 0;
}

function isOfBatch({ type }: WebhookMessage): boolean {
	return type === 'batch.completed';
}
