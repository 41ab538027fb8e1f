import { toWireBatch, toWireJob, type WebhookMessage, type WireJobOptions } from '@facet/contracts';
import type { BatchStore, ResultStore } from '@facet/queue';
import { webhookBody } from '@facet/webhooks';

export interface EventRendererOptions extends WireJobOptions {
	readonly results: ResultStore;
	readonly batches: BatchStore;
}

/**
 * Makes the bodies of messages: what a message points to, as the API shows it.
 *
 * @returns a function that gives undefined when that is no longer stored.
 */
export function createEventRenderer({ results, batches, ...wire }: EventRendererOptions) {
	return async ({ type, timestamp, subject = '' }: WebhookMessage): Promise<string | undefined> => {
		switch (type) {
			case 'webhook.test':
				return webhookBody({ type, timestampMs: timestamp, data: { message: 'Webhooks arrive here.' } });
			case 'batch.completed': {
				const batch = await batches.read(subject);
				if (batch === undefined) return undefined;
				return webhookBody({ type, timestampMs: timestamp, data: toWireBatch(batch, wire) });
			}
			default: {
				const outcome = await results.get(subject);
				if (outcome === undefined) return undefined;
				const data = await toWireJob({ id: subject, status: outcome.status, outcome }, wire);
				return webhookBody({ type, timestampMs: timestamp, data, resultUrl: data.urls.self });
			}
		}
	};
}
