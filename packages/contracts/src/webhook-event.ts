import { z } from 'zod';

/** Events of one job, which a caller may choose from. */
export const JOB_EVENTS = [
	'detection.succeeded',
	'detection.failed',
	'detection.canceled',
	'detection.expired',
] as const;

/** Every `type` that a webhook's body may have. */
export const WEBHOOK_EVENTS = [...JOB_EVENTS, 'batch.completed', 'webhook.test'] as const;

/** Where a caller wants to hear of a job. */
export const webhookTargetSchema = z.object({
	url: z.url(),
	/** The events wanted; all of them when absent. */
	events: z.array(z.enum(JOB_EVENTS)).optional(),
});

/**
 * One message to one endpoint, as the outbox and the queue of deliveries carry it: a pointer, since what it is about is
 * stored already. `id` is the `webhook-id` of every attempt.
 */
export const webhookMessageSchema = z.object({
	id: z.string().min(1),
	type: z.enum(WEBHOOK_EVENTS),
	url: z.string().min(1),
	/** Whose secrets sign it. */
	owner: z.string().min(1),
	/** The job or the batch that it is about; absent for a test. */
	subject: z.string().optional(),
	/** When it happened, in milliseconds since the epoch. */
	timestamp: z.int(),
});

export type JobEvent = (typeof JOB_EVENTS)[number];
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];
export type WebhookTarget = z.infer<typeof webhookTargetSchema>;
export type WebhookMessage = z.infer<typeof webhookMessageSchema>;
