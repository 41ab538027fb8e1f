import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, type BatchTask, type Logger } from '@facet/contracts';
import {
	addBatchTasks,
	type BatchRecord,
	type BatchStore,
	type JobProducer,
	type JobsInFlight,
	type JobWaiter,
	type NewBatch,
} from '@facet/queue';
import type { ObjectStore } from '@facet/storage';
import { BatchWriter, type WrittenBatch } from './batch-writer.ts';
import { findUpload } from './find-upload.ts';
import type { Caller } from './middleware/caller.ts';
import { checkWebhookTarget } from './webhook-target.ts';

export interface BatchServiceOptions {
	readonly batches: BatchStore;
	readonly producer: JobProducer;
	readonly inFlight: JobsInFlight;
	readonly waiter: Pick<JobWaiter, 'drainRate'>;
	readonly store: ObjectStore;
	/** Where bodies are kept until they are known to be right. */
	readonly temporaryDirectory: string;
	readonly maxItems: number;
	/** Largest upload that a job may have, in bytes. */
	readonly maxSourceBytes: number;
	/** Waiting jobs beyond which no more are taken. */
	readonly maxQueueDepth: number;
	/** Age at which unfinished items are given up. */
	readonly deadlineSeconds: number;
}

export interface BatchSubmission {
	readonly caller: Caller;
	readonly logger: Logger;
}

/** Accepts batches, whole or not at all, and leaves the work on them to workers. */
export class BatchService {
	readonly #options: BatchServiceOptions;

	constructor(options: BatchServiceOptions) {
		this.#options = options;
	}

	get maxItems(): number {
		return this.#options.maxItems;
	}

	/**
	 * Reads a batch and accepts it. Nothing of it stays when it is refused.
	 *
	 * @param read - hands all of the body to the writer.
	 * @throws AppError `invalid_request` with every fault, `body_too_large`, `queue_full`, `too_many_jobs`,
	 * `queue_unavailable`, `storage_unavailable`; whatever `read` throws.
	 */
	async submit(read: (writer: BatchWriter) => Promise<void>, submission: BatchSubmission): Promise<NewBatch> {
		const { store, maxItems, maxSourceBytes: maxBytes, temporaryDirectory } = this.#options;
		const { caller } = submission;
		// Before the body, which may be long.
		await this.#admit(1);
		const path = join(temporaryDirectory, `${randomUUID()}.ndjson`);
		const writer = await BatchWriter.open({
			path,
			maxItems,
			checkWebhook: (target) => checkWebhookTarget(target, caller),
			findUpload: (uploadId) => findUpload({ store, maxBytes }, caller.id, uploadId),
		});
		try {
			await read(writer);
			return await this.#accept(await writer.finish(), submission);
		} finally {
			await writer.close();
			await rm(path, { force: true });
		}
	}

	/** @throws AppError `not_found`. */
	async read(owner: string, batchId: string): Promise<BatchRecord> {
		const batch = await this.#options.batches.read(batchId);
		if (batch?.owner === owner) return batch;
		throw new AppError('not_found', { detail: 'no batch with this id' });
	}

	/**
	 * Ends a batch's unfinished items as canceled, in a while; asking again is no harm.
	 *
	 * @returns the batch as it is now.
	 * @throws AppError `not_found`; `conflict` when it has completed.
	 */
	async cancel(owner: string, batchId: string): Promise<BatchRecord> {
		await this.read(owner, batchId);
		if (!(await this.#options.batches.cancel(batchId))) {
			throw new AppError('conflict', { detail: 'expected an unfinished batch, this one has completed' });
		}
		await this.#addTask({ kind: 'cancel', batchId });
		return this.read(owner, batchId);
	}

	/**
	 * Deletes a batch with all that it has left: it is not shown any more at once, and the rest goes in a while.
	 *
	 * @throws AppError `not_found`.
	 */
	async delete(owner: string, batchId: string): Promise<void> {
		const { batches } = this.#options;
		// One whose deletion began and was not put on the queue, too.
		if ((await batches.readAny(batchId))?.owner !== owner) {
			throw new AppError('not_found', { detail: 'no batch with this id' });
		}
		await batches.markErased(batchId);
		await this.#addTask({ kind: 'erase', batchId });
	}

	async #accept(written: WrittenBatch, { caller, logger }: BatchSubmission): Promise<NewBatch> {
		const { inFlight } = this.#options;
		const { id: owner, maxJobsInFlight: limit } = caller;
		await this.#admit(written.total);
		return inFlight.whileReserved({ owner, count: written.total, limit }, async (counted) => {
			const batch = this.#toBatch(written, owner, counted);
			await this.#store(batch, written, logger);
			// It is accepted: should this fail, a worker finds it all the same.
			await this.#addTask({ kind: 'expand', batchId: batch.id }).catch((err: unknown) => {
				logger.warn({ err, batchId: batch.id }, 'batch: left for a worker to find');
			});
			return batch;
		});
	}

	#toBatch({ total, tag, webhook }: WrittenBatch, owner: string, counted: boolean): NewBatch {
		const id = randomUUID();
		const createdAt = Date.now();
		return {
			id,
			owner,
			total,
			createdAt,
			deadline: createdAt + this.#options.deadlineSeconds * 1000,
			itemsKey: `batches/${id}.ndjson`,
			counted,
			...(tag !== undefined && { tag }),
			...(webhook && { webhookUrl: webhook.url }),
			// 10,000 messages are for those who ask for them.
			...(webhook?.events && { itemWebhook: webhook }),
		};
	}

	async #store(batch: NewBatch, { path, bytes }: WrittenBatch, logger: Logger): Promise<void> {
		const { store, batches } = this.#options;
		await store.put(batch.itemsKey, createReadStream(path), {
			contentType: 'application/octet-stream',
			contentLength: bytes,
		});
		try {
			await batches.create(batch);
		} catch (error) {
			// The record, too: an answer that was lost says nothing of what was done.
			const tidied = await Promise.allSettled([batches.erase(batch), store.delete(batch.itemsKey)]);
			for (const result of tidied) {
				if (result.status === 'fulfilled') continue;
				logger.warn({ err: result.reason, batchId: batch.id }, 'batch: leftovers of a refused one');
			}
			throw error;
		}
	}

	async #addTask(task: BatchTask): Promise<void> {
		await addBatchTasks(this.#options.producer, [task]);
	}

	/** Refuses what the queue has no room for; batches that are accepted and not expanded take room too. */
	async #admit(items: number): Promise<void> {
		const { producer, batches, waiter, maxQueueDepth } = this.#options;
		const [depth, unexpanded] = await Promise.all([producer.depth('detect'), batches.unexpanded()]);
		const waiting = [...unexpanded.values()].reduce((sum, left) => sum + left, depth);
		const excess = waiting + items - maxQueueDepth;
		if (excess <= 0) return;
		if (items > maxQueueDepth) {
			const detail = `expected at most ${maxQueueDepth} items, which is all that may wait, received ${items}`;
			throw new AppError('queue_full', { detail, retryable: false });
		}
		const retryAfterSeconds = waiter.drainRate.secondsFor(excess);
		throw new AppError('queue_full', { detail: `try again in ${retryAfterSeconds} s`, retryAfterSeconds });
	}
}
