import {
	AppError,
	type BatchSnapshot,
	type FinalStatus,
	type WebhookTarget,
	webhookTargetSchema,
} from '@facet/contracts';
import { z } from 'zod';
import type { BatchCompletedMessage } from './result-store.ts';

/** A batch before its first item has a job. Times in milliseconds since the epoch. */
export interface NewBatch {
	readonly id: string;
	readonly owner: string;
	readonly tag?: string | undefined;
	/** Number of items. */
	readonly total: number;
	readonly createdAt: number;
	/** Of every item. */
	readonly deadline?: number | undefined;
	/** Object key of the items, one `BatchEntry` a line. */
	readonly itemsKey: string;
	/** Where the end of the batch is to be told. */
	readonly webhookUrl?: string | undefined;
	/** Who wants to hear of the end of each item. */
	readonly itemWebhook?: WebhookTarget | undefined;
	/** Whether the items count among the caller's jobs in flight. */
	readonly counted: boolean;
}

/** A batch as it is stored. */
export interface BatchRecord extends BatchSnapshot, Pick<NewBatch, 'itemsKey' | 'itemWebhook' | 'counted'> {
	/** Items, from the first, that have their jobs. */
	readonly expanded: number;
	/** Its caller has deleted it: it is shown no more, and a worker erases what is left. */
	readonly erased: boolean;
}

const count = z.coerce.number().int().nonnegative();
const time = z.coerce.number().int();

/** The hash in Redis, counters of the finishing script included. */
const hashSchema = z.object({
	owner: z.string(),
	tag: z.string().optional(),
	total: count,
	createdAt: time,
	deadline: time.optional(),
	itemsKey: z.string(),
	itemWebhook: z
		.string()
		.transform((text): unknown => JSON.parse(text))
		.pipe(webhookTargetSchema)
		.optional(),
	counted: z.literal('1').optional(),
	expanded: count.default(0),
	canceledAt: time.optional(),
	erasedAt: time.optional(),
	completedAt: time.optional(),
	succeeded: count.default(0),
	failed: count.default(0),
	canceled: count.default(0),
	expired: count.default(0),
} satisfies Record<FinalStatus, z.ZodType> & Record<string, z.ZodType>);

/** The fields of a new batch's hash; counters come by the script that ends its jobs. */
export function toBatchHash(batch: NewBatch): Record<string, string | number> {
	const { owner, tag, total, createdAt, deadline, itemsKey, itemWebhook, counted } = batch;
	const message = completedMessageOf(batch);
	return {
		owner,
		total,
		createdAt,
		itemsKey,
		...(tag !== undefined && { tag }),
		...(deadline !== undefined && { deadline }),
		...(itemWebhook && { itemWebhook: JSON.stringify(itemWebhook) }),
		...(counted && { counted: '1' }),
		...(message && { completedMessage: JSON.stringify(message) }),
	};
}

function completedMessageOf({ id, owner, webhookUrl }: NewBatch): BatchCompletedMessage | undefined {
	if (webhookUrl === undefined) return undefined;
	return { id: `msg_${id}`, type: 'batch.completed', url: webhookUrl, owner, subject: id, timestamp: 0 };
}

/**
 * @param hash - as Redis answers it: empty when there is none.
 * @param running - number of items that a worker holds.
 * @throws AppError `internal`, not retryable, when it is no hash of a batch.
 */
export function toBatchRecord(
	id: string,
	hash: Readonly<Record<string, string>>,
	running: number,
): BatchRecord | undefined {
	if (Object.keys(hash).length === 0) return undefined;
	const { succeeded, failed, canceled, expired, counted, erasedAt, ...facts } = parseHash(id, hash);
	const unfinished = Math.max(0, facts.total - succeeded - failed - canceled - expired);
	const processing = Math.min(running, unfinished);
	return {
		...facts,
		id,
		counts: { queued: unfinished - processing, processing, succeeded, failed, canceled, expired },
		counted: counted !== undefined,
		erased: erasedAt !== undefined,
	};
}

function parseHash(id: string, hash: Readonly<Record<string, string>>): z.infer<typeof hashSchema> {
	try {
		return hashSchema.parse(hash);
	} catch (cause) {
		// Of the schema, or of JSON within it.
		throw new AppError('internal', {
			detail: `batch ${id}: a record of an unknown shape`,
			retryable: false,
			cause,
		});
	}
}
