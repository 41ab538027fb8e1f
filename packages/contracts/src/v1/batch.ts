import { z } from 'zod';
import type { JobStatus } from '../detect-job.ts';
import { JOB_STATUSES, jobSchema } from './job.ts';
import { batchDefaultsSchema, batchItemSchema } from './job-request.ts';

/** `canceling`: asked for, while items are still being ended. `completed` and `canceled`: every item has ended. */
export const BATCH_STATUSES = ['processing', 'canceling', 'completed', 'canceled'] as const;

const timeSchema = z.iso.datetime();
const countSchema = z.int().nonnegative();

/** Body of `POST /v1/batches` as JSON: defaults for all items, and the items. */
export const batchRequestSchema = batchDefaultsSchema
	.extend({ items: z.array(batchItemSchema).min(1) })
	.meta({ id: 'BatchRequest' });

/** A line of `POST /v1/batches` as NDJSON: the first may be the defaults, every other one is an item. */
export const batchRequestLineSchema = z
	.union([z.strictObject({ defaults: batchDefaultsSchema }), batchItemSchema])
	.meta({ id: 'BatchRequestLine' });

export const batchSchema = z
	.object({
		id: z.string(),
		status: z.enum(BATCH_STATUSES),
		tag: z.string().nullable(),
		total: countSchema.meta({ description: 'Number of items' }),
		counts: z
			.object({
				queued: countSchema,
				processing: countSchema,
				succeeded: countSchema,
				failed: countSchema,
				canceled: countSchema,
				expired: countSchema,
			})
			.meta({ description: 'Items by their state; the sum is `total`' }),
		created_at: timeSchema,
		completed_at: timeSchema.nullable().meta({ description: 'When the last item ended' }),
		deadline: timeSchema.nullable().meta({ description: 'When unfinished items end as `expired`' }),
		expires_at: timeSchema.nullable().meta({ description: 'Until when a completed batch is kept' }),
		urls: z.object({
			self: z.string(),
			results: z.string(),
			cancel: z.string(),
			deliveries: z.string(),
		}),
	})
	.meta({ id: 'Batch' });

export const batchListSchema = z
	.object({
		data: z.array(batchSchema),
		next_cursor: z.string().nullable().meta({ description: 'Asks for the next page; null on the last' }),
	})
	.meta({ id: 'BatchList' });

/** A line of `GET /v1/batches/{id}/results`. */
export const batchResultSchema = z
	.object({
		index: countSchema.meta({ description: 'Place in the request, from 0' }),
		id: z.string().meta({ description: 'Id of the item’s job' }),
		status: z.enum([...JOB_STATUSES, 'gone']).meta({
			description: '`gone`: the item has ended, and its result has expired or was erased',
		}),
		cursor: z.string().meta({ description: 'Goes on behind this line' }),
		job: jobSchema.nullable().meta({
			description: 'As `GET /v1/jobs/{id}` shows it; null when it is gone, and before it is in the queue',
		}),
	})
	.meta({ id: 'BatchResult' });

/** Query of `GET /v1/batches`. */
export const batchListQuerySchema = z.strictObject({
	cursor: z.string().max(200).optional().meta({ description: '`next_cursor` of the page before' }),
	limit: z.coerce.number().int().min(1).max(100).default(20),
});

/** Query of `GET /v1/batches/{id}/results`. */
export const batchResultsQuerySchema = z.strictObject({
	cursor: z.string().max(200).optional().meta({ description: '`cursor` of the last line that was read' }),
	limit: z.coerce.number().int().min(1).optional().meta({ description: 'Most lines; all by default' }),
});

export type WireBatch = z.infer<typeof batchSchema>;
export type BatchList = z.infer<typeof batchListSchema>;
export type BatchResult = z.infer<typeof batchResultSchema>;

/** A batch at one moment. Times in milliseconds since the epoch. */
export interface BatchSnapshot {
	readonly id: string;
	readonly owner: string;
	readonly tag?: string | undefined;
	/** Number of items. */
	readonly total: number;
	/** Items by state; the sum is `total`. */
	readonly counts: Readonly<Record<JobStatus, number>>;
	readonly createdAt: number;
	/** When unfinished items are given up. */
	readonly deadline?: number | undefined;
	/** When its caller asked for that. */
	readonly canceledAt?: number | undefined;
	/** When the last item ended. */
	readonly completedAt?: number | undefined;
}

export interface WireBatchOptions {
	/** Base of the links to ourselves, without a slash at its end. */
	readonly baseUrl: string;
	/** How long a completed batch is kept. */
	readonly resultTtlSeconds: number;
}

/** The document that `GET /v1/batches/{id}` answers, and that `batch.completed` carries. */
export function toWireBatch(
	batch: BatchSnapshot,
	{ baseUrl, resultTtlSeconds }: WireBatchOptions,
): WireBatch {
	const { id, tag, total, counts, createdAt, deadline, completedAt } = batch;
	const self = `${baseUrl}/v1/batches/${id}`;
	return {
		id,
		status: statusOf(batch),
		tag: tag ?? null,
		total,
		counts: { ...counts },
		created_at: toIso(createdAt),
		completed_at: completedAt === undefined ? null : toIso(completedAt),
		deadline: deadline === undefined ? null : toIso(deadline),
		expires_at: completedAt === undefined ? null : toIso(completedAt + resultTtlSeconds * 1000),
		urls: {
			self,
			results: `${self}/results`,
			cancel: `${self}/cancel`,
			deliveries: `${self}/deliveries`,
		},
	};
}

function statusOf({ canceledAt, completedAt }: BatchSnapshot): WireBatch['status'] {
	if (completedAt === undefined) return canceledAt === undefined ? 'processing' : 'canceling';
	return canceledAt === undefined ? 'completed' : 'canceled';
}

function toIso(ms: number): string {
	return new Date(ms).toISOString();
}
