import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, type BatchSnapshot, type BatchTask, type Logger } from '@facet/contracts';
import {
	addBatchTasks,
	type BatchRecord,
	type BatchStore,
	type IdempotencyStore,
	type JobProducer,
	type JobsInFlight,
	type NewBatch,
} from '@facet/queue';
import type { ObjectStore } from '@facet/storage';
import type { Admission } from './admission.ts';
import { BatchWriter, type WrittenBatch } from './batch-writer.ts';
import { findUpload } from './find-upload.ts';
import { idempotently } from './idempotently.ts';
import type { Caller } from './middleware/caller.ts';
import { digestOf } from './request-digest.ts';
import { checkWebhookTarget } from './webhook-target.ts';

export interface BatchServiceOptions {
	readonly batches: BatchStore;
	readonly producer: JobProducer;
	readonly idempotency: IdempotencyStore;
	readonly inFlight: JobsInFlight;
	readonly admission: Admission;
	readonly store: ObjectStore;
	/** Where bodies are kept until they are known to be right. */
	readonly temporaryDirectory: string;
	readonly maxItems: number;
	/** Largest upload that a job may have, in bytes. */
	readonly maxSourceBytes: number;
	/** Age at which unfinished items are given up. */
	readonly deadlineSeconds: number;
}

export interface BatchSubmission {
	readonly caller: Caller;
	readonly idempotencyKey: string | undefined;
	readonly logger: Logger;
}

export interface SubmittedBatch {
	readonly batch: BatchSnapshot;
	/** Whether an earlier request with the same idempotency key made it. */
	readonly isReplay: boolean;
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
	 * `queue_unavailable`, `storage_unavailable`; as `idempotently`; `not_found` when an idempotency key leads to a batch
	 * that is no longer there; whatever `read` throws.
	 */
	async submit(
		read: (writer: BatchWriter) => Promise<void>,
		submission: BatchSubmission,
	): Promise<SubmittedBatch> {
		const { store, maxItems, maxSourceBytes: maxBytes, temporaryDirectory } = this.#options;
		const { caller, idempotencyKey } = submission;
		// Before the body, which may be long; but a batch that was accepted before has its place.
		if (idempotencyKey === undefined) await this.#options.admission.admitBatch(1);
		const path = join(temporaryDirectory, `${randomUUID()}.ndjson`);
		const writer = await BatchWriter.open({
			path,
			maxItems,
			checkWebhook: (target) => checkWebhookTarget(target, caller),
			findUpload: (uploadId) => findUpload({ store, maxBytes }, caller.id, uploadId),
		});
		try {
			await read(writer);
			return await this.#acceptOnce(await writer.finish(), submission);
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

	async #acceptOnce(written: WrittenBatch, submission: BatchSubmission): Promise<SubmittedBatch> {
		const { idempotency, batches } = this.#options;
		const { caller, idempotencyKey: key, logger } = submission;
		const newId = randomUUID();
		if (key === undefined) return { batch: await this.#accept(written, newId, submission), isReplay: false };
		const digest = digestOf(['POST /v1/batches', written.sha256]);
		let batch: BatchSnapshot | undefined;
		const { id, isReplay } = await idempotently(
			idempotency,
			{ owner: caller.id, key, digest, newId, logger },
			{
				create: async (batchId) => {
					batch = await this.#accept(written, batchId, submission);
					return batchId;
				},
				exists: async (batchId) => (await batches.readAny(batchId)) !== undefined,
			},
		);
		return { batch: batch ?? (await this.read(caller.id, id)), isReplay };
	}

	async #accept(
		written: WrittenBatch,
		id: string,
		{ caller, logger }: BatchSubmission,
	): Promise<BatchSnapshot> {
		const { total } = written;
		const { id: owner, maxJobsInFlight: limit } = caller;
		await this.#options.admission.admitBatch(total);
		return this.#options.inFlight.whileReserved({ owner, count: total, limit }, async (counted) => {
			const batch = this.#toBatch(written, { id, owner, counted });
			await this.#store(batch, written, logger);
			// It is accepted: should this fail, a worker finds it all the same.
			await this.#addTask({ kind: 'expand', batchId: id }).catch((err: unknown) => {
				logger.warn({ err, batchId: id }, 'batch: left for a worker to find');
			});
			logger.info({ batchId: id, items: total }, 'batch accepted');
			const counts = { queued: total, processing: 0, succeeded: 0, failed: 0, canceled: 0, expired: 0 };
			return { ...batch, counts };
		});
	}

	#toBatch(
		{ total, tag, webhook }: WrittenBatch,
		identity: Pick<NewBatch, 'id' | 'owner' | 'counted'>,
	): NewBatch {
		const createdAt = Date.now();
		return {
			...identity,
			total,
			createdAt,
			deadline: createdAt + this.#options.deadlineSeconds * 1000,
			itemsKey: `batches/${identity.id}.ndjson`,
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
}
