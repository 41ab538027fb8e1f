import { AppError, type DeliveryRecord, type WebhookMessage } from '@facet/contracts';
import type { DeliveryStore } from './delivery-store.ts';
import type { AddOptions, JobProducer } from './producer.ts';
import type { Queues } from './queues.ts';

export interface DeliveryQueueOptions {
	readonly queues: Queues;
	readonly producer: JobProducer;
	readonly deliveries: DeliveryStore;
}

/**
 * Attempts at a webhook are counted in its record; the queue counts runs that failed for reasons of our own, which end
 * when Redis or the worker is well again.
 */
const MAX_FAULTY_RUNS = 100;

/** Puts webhooks on the queue of deliveries: each has one record, and at most one job at a time. */
export class DeliveryQueue {
	readonly #options: DeliveryQueueOptions;

	constructor(options: DeliveryQueueOptions) {
		this.#options = options;
	}

	/**
	 * Adds deliveries, in their order. A message that was added before is not delivered again.
	 *
	 * @throws AppError `queue_unavailable`.
	 */
	async add(messages: readonly WebhookMessage[], urgency: AddOptions['urgency'] = 'normal'): Promise<void> {
		if (messages.length === 0) return;
		const { producer, deliveries } = this.#options;
		await deliveries.create(messages);
		await producer.addMany(
			'deliver',
			messages.map((message) => ({ id: message.id, data: message })),
			{ urgency, attempts: MAX_FAULTY_RUNS },
		);
	}

	/**
	 * Delivers a message again, under the same id and with a schedule from its start; one that waits for its next attempt
	 * is tried now.
	 *
	 * @returns the record as it is then.
	 * @throws AppError `conflict` while the endpoint is switched off, `queue_unavailable`.
	 */
	async replay(record: DeliveryRecord): Promise<DeliveryRecord> {
		const { producer, deliveries } = this.#options;
		const { owner, url } = record.message;
		if (await deliveries.isEndpointOff(owner, url)) {
			throw new AppError('conflict', {
				detail: 'the endpoint answered 410 and is switched off; POST /v1/webhooks/test switches it on',
			});
		}
		if (record.status === 'pending' && (await this.#hurry(jobIdOf(record)))) {
			return { ...record, nextAttemptAt: Date.now() };
		}
		const replayed: DeliveryRecord = {
			...record,
			status: 'pending',
			nextAttemptAt: Date.now(),
			failures: 0,
			replays: record.replays + 1,
		};
		await deliveries.save(replayed);
		await producer.add('deliver', jobIdOf(replayed), record.message, {
			urgency: 'sync',
			attempts: MAX_FAULTY_RUNS,
		});
		return replayed;
	}

	/**
	 * Forgets deliveries: what they send, what became of them, and what the queue remembers of where they went. One under
	 * way makes no further attempt.
	 *
	 * @throws AppError `queue_unavailable`.
	 */
	async erase(...ids: readonly string[]): Promise<void> {
		const { queues, deliveries } = this.#options;
		const records = await Promise.all(ids.map((id) => deliveries.get(id)));
		await deliveries.erase(...ids);
		const jobIds = records.flatMap((record) =>
			record === undefined
				? []
				: Array.from({ length: record.replays + 1 }, (_, replays) => jobIdOf({ ...record, replays })),
		);
		await queues.use('deliver', (queue) => Promise.all(jobIds.map((jobId) => queue.remove(jobId))));
	}

	/** @returns whether there is a job that runs, or will run now. */
	async #hurry(jobId: string): Promise<boolean> {
		return this.#options.queues.use('deliver', async (queue) => {
			const job = await queue.getJob(jobId);
			const state = await job?.getState();
			// It may have become due since the look.
			if (state === 'delayed') await job?.promote().catch(() => {});
			return job !== undefined && state !== 'completed' && state !== 'failed';
		});
	}
}

/** BullMQ takes no second job under an id that it still remembers, so each replay has one of its own. */
function jobIdOf({ message, replays }: DeliveryRecord): string {
	return replays === 0 ? message.id : `${message.id}~${replays}`;
}
