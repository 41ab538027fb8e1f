import { z } from 'zod';
import { WEBHOOK_EVENTS, webhookMessageSchema } from '../webhook-event.ts';

/**
 * What has become of a webhook: under way, received, given up, or not sent because the receiver has switched the
 * endpoint off.
 */
export const DELIVERY_STATUSES = ['pending', 'delivered', 'failed', 'disabled'] as const;

/**
 * Why an attempt came to nothing: the receiver answered another status than 2xx, redirected, answered 410, was silent
 * too long, has an address that may not be reached or a name that leads nowhere, failed at TLS, broke the connection;
 * or there was no secret to sign with, or nothing left to tell because the result has expired.
 */
export const DELIVERY_ERRORS = [
	'status',
	'redirect',
	'gone',
	'timeout',
	'blocked',
	'name',
	'tls',
	'connection',
	'no_secret',
	'expired',
] as const;

/** A webhook as Redis keeps it; times in milliseconds since the epoch. */
export const deliveryRecordSchema = z.object({
	message: webhookMessageSchema,
	status: z.enum(DELIVERY_STATUSES),
	attempts: z.array(
		z.object({
			at: z.int(),
			/** Absent when no answer came. */
			statusCode: z.int().optional(),
			durationMs: z.int().nonnegative(),
			/** Absent when it was received. */
			error: z.enum(DELIVERY_ERRORS).optional(),
		}),
	),
	/** Failed attempts since the event, or since it was last replayed: the place in the schedule. */
	failures: z.int().nonnegative(),
	nextAttemptAt: z.int().optional(),
	/** How often the caller asked for it again. */
	replays: z.int().nonnegative(),
});

export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];
export type DeliveryError = (typeof DELIVERY_ERRORS)[number];
export type DeliveryRecord = z.infer<typeof deliveryRecordSchema>;
export type DeliveryAttempt = DeliveryRecord['attempts'][number];

const timeSchema = z.iso.datetime();

export const deliverySchema = z
	.object({
		id: z.string().meta({ description: 'The `webhook-id` of every attempt' }),
		event: z.enum(WEBHOOK_EVENTS),
		url: z.string(),
		status: z.enum(DELIVERY_STATUSES).meta({
			description:
				'`disabled`: the endpoint has answered 410 and is switched off until a test of it (`POST /v1/webhooks/test`) succeeds',
		}),
		created_at: timeSchema.meta({ description: 'When the event happened' }),
		attempts: z
			.array(
				z.object({
					at: timeSchema,
					status_code: z.int().nullable().meta({ description: 'null when no answer came' }),
					duration_ms: z.int().nonnegative(),
					error: z.enum(DELIVERY_ERRORS).nullable().meta({ description: 'null when it was received' }),
				}),
			)
			.meta({ description: 'The last fifty' }),
		next_attempt_at: timeSchema.nullable().meta({ description: 'null when there will be none' }),
	})
	.meta({ id: 'Delivery' });

export const deliveryListSchema = z.object({ data: z.array(deliverySchema) }).meta({ id: 'DeliveryList' });

export type Delivery = z.infer<typeof deliverySchema>;
export type DeliveryList = z.infer<typeof deliveryListSchema>;

export function toDelivery({ message, status, attempts, nextAttemptAt }: DeliveryRecord): Delivery {
	const isPending = status === 'pending';
	return {
		id: message.id,
		event: message.type,
		url: message.url,
		status,
		created_at: isoTime(message.timestamp),
		attempts: attempts.map(({ at, statusCode, durationMs, error }) => ({
			at: isoTime(at),
			status_code: statusCode ?? null,
			duration_ms: durationMs,
			error: error ?? null,
		})),
		next_attempt_at: isPending ? isoTime(nextAttemptAt ?? message.timestamp) : null,
	};
}

function isoTime(ms: number): string {
	return new Date(ms).toISOString();
}
