import { randomUUID } from 'node:crypto';
import {
	AppError,
	type DeliveryRecord,
	parseFields,
	parseHttpUrl,
	toDelivery,
	webhookTestSchema,
} from '@facet/contracts';
import type { DeliveryQueue, DeliveryStore } from '@facet/queue';
import type { RequestHandler } from 'express';
import { callerOf } from '../middleware/caller.ts';
import { checkWebhookTarget } from '../webhook-target.ts';

export interface TestWebhookOptions {
	readonly deliveries: DeliveryStore;
	readonly queue: DeliveryQueue;
	/** How long a receiver may take to answer, in milliseconds. */
	readonly timeoutMs: number;
}

const LOOK_INTERVAL_MS = 100;
/** For the way through the queue, beside the receiver's own time. */
const QUEUE_TIME_MS = 5000;

/**
 * `POST /v1/webhooks/test`: sends one signed `webhook.test` event, without retries, and answers what came of it. The
 * attempt is a worker's, from the network that all webhooks come from. A success switches an endpoint on again that has
 * answered 410.
 */
export function testWebhook({ deliveries, queue, timeoutMs }: TestWebhookOptions): RequestHandler {
	return async (request, response) => {
		const caller = callerOf(request);
		const url = parseHttpUrl(parseFields(webhookTestSchema, request.body).url);
		checkWebhookTarget({ url }, caller);
		const id = `msg_test_${randomUUID()}`;
		await queue.add([{ id, type: 'webhook.test', url, owner: caller.id, timestamp: Date.now() }], 'sync');
		const waitUntil = Date.now() + timeoutMs + QUEUE_TIME_MS;
		let record: DeliveryRecord | undefined;
		while (!response.destroyed && Date.now() < waitUntil) {
			record = await deliveries.get(id);
			if (record?.status !== 'pending') break;
			await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL_MS));
		}
		if (record === undefined || record.status === 'pending') {
			throw new AppError('wait_timeout', { detail: 'no worker has sent the event yet' });
		}
		response.json(toDelivery(record));
	};
}
