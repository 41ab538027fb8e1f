import type { DeliveryAttempt, DeliveryRecord, WebhookMessage } from '@facet/contracts';
import { loggableUrl, type PinoLogger, type WorkerMetrics } from '@facet/observability';
import type { DeliveryStore, TaskContext } from '@facet/queue';
import { retryDelayMs, type SendOutcome, sendWebhook, signWebhook } from '@facet/webhooks';
import type { HostSlots } from './host-slots.ts';

export interface DeliveryHandlerOptions {
	readonly deliveries: DeliveryStore;
	/** The body of a message; undefined when what it is about is no longer stored. */
	readonly render: (message: WebhookMessage) => Promise<string | undefined>;
	/** The secrets that sign a caller's messages now, newest first. */
	readonly secretsOf: (owner: string) => Promise<readonly string[]>;
	/** A client that refuses addresses which callers must not reach. */
	readonly client: Parameters<typeof sendWebhook>[1]['client'];
	readonly timeoutMs: number;
	/** The wait before each attempt, the first included. */
	readonly scheduleMs: readonly number[];
	readonly slots: HostSlots;
	readonly metrics: WorkerMetrics;
	readonly logger: PinoLogger;
}

/** A replayed message keeps the history of its earlier rounds, the last of them. */
const MAX_ATTEMPTS_KEPT = 50;
/** Clocks of two workers differ a little, and BullMQ wakes jobs to the millisecond. */
const EARLY_MS = 20;

/**
 * The handler of `deliver` jobs: one attempt at a webhook, and its record. The record decides, not the job: a message
 * that was delivered, given up or erased is left alone, however often the queue brings it.
 */
export function createDeliveryHandler(options: DeliveryHandlerOptions) {
	const { deliveries, slots, scheduleMs } = options;
	return async (message: WebhookMessage, { postpone }: TaskContext): Promise<void> => {
		const record = await deliveries.get(message.id);
		if (record?.status !== 'pending') return;
		const firstDueInMs = message.timestamp + (scheduleMs[0] ?? 0) - Date.now();
		if (record.attempts.length === 0 && firstDueInMs > EARLY_MS) throw await postpone(firstDueInMs);
		if (message.type !== 'webhook.test' && (await deliveries.isEndpointOff(message.owner, message.url))) {
			await deliveries.save({ ...record, status: 'disabled' }, null);
			options.metrics.deliveries.inc({ outcome: 'disabled' });
			return;
		}
		const body = await deliveries.body(message.id);
		const { host } = new URL(message.url);
		const release = await slots.take(host);
		if (release === undefined) throw await postpone(slots.waitMs(host));
		const at = Date.now();
		const sent = await send(message, body, options).finally(release);
		const retryInMs = await conclude(record, { at, ...sent }, options);
		if (retryInMs !== undefined) throw await postpone(retryInMs);
	};
}

/** What came of an attempt; without something to send, or a secret to sign it, none is made. */
interface Sent {
	readonly outcome: SendOutcome | { readonly kind: 'expired' | 'no_secret' };
	readonly body?: string;
}

async function send(
	message: WebhookMessage,
	keptBody: string | undefined,
	options: DeliveryHandlerOptions,
): Promise<Sent> {
	const body = keptBody ?? (await options.render(message));
	if (body === undefined) return { outcome: { kind: 'expired' } };
	const secrets = await options.secretsOf(message.owner);
	if (secrets.length === 0) return { outcome: { kind: 'no_secret' }, body };
	const timestampSeconds = Math.floor(Date.now() / 1000);
	const headers = signWebhook({ id: message.id, timestampSeconds, body }, secrets);
	return { outcome: await sendWebhook({ url: message.url, headers, body }, options), body };
}

/**
 * Writes what came of an attempt.
 *
 * @returns the wait before the next one in milliseconds, or undefined when there is none to come.
 */
async function conclude(
	record: DeliveryRecord,
	{ at, outcome, body }: Sent & { readonly at: number },
	options: DeliveryHandlerOptions,
): Promise<number | undefined> {
	const { deliveries, scheduleMs } = options;
	const { type, owner, url } = record.message;
	const attempt: DeliveryAttempt = { at, ...attemptOf(outcome) };
	const made = { ...record, attempts: [...record.attempts, attempt].slice(-MAX_ATTEMPTS_KEPT) };
	const end = async (status: DeliveryRecord['status'], keptBody: string | null) => {
		await deliveries.save({ ...made, status }, keptBody);
		report(made, attempt, status, options);
	};
	switch (outcome.kind) {
		case 'delivered':
			if (type === 'webhook.test') await deliveries.switchEndpointOn(owner, url);
			await end('delivered', null);
			return undefined;
		case 'gone':
			await deliveries.switchEndpointOff(owner, url);
			await end('disabled', null);
			return undefined;
		case 'expired':
			await end('failed', null);
			return undefined;
	}
	made.failures += 1;
	// A test tells how the endpoint is now.
	const schedule = type === 'webhook.test' ? [0] : scheduleMs;
	const retryAfterMs = outcome.kind === 'failed' ? outcome.retryAfterMs : undefined;
	const retryInMs = retryDelayMs(schedule, made.failures, retryAfterMs);
	if (retryInMs !== undefined) made.nextAttemptAt = Date.now() + retryInMs;
	// Every attempt sends the same body, and so does a replay, though the result may have expired by then.
	await end(retryInMs === undefined ? 'failed' : 'pending', body ?? null);
	return retryInMs;
}

function attemptOf(outcome: Sent['outcome']): Omit<DeliveryAttempt, 'at'> {
	switch (outcome.kind) {
		case 'delivered':
			return { statusCode: outcome.statusCode, durationMs: outcome.durationMs };
		case 'gone':
			return { statusCode: outcome.statusCode, durationMs: outcome.durationMs, error: 'gone' };
		case 'failed': {
			const { statusCode, durationMs, error } = outcome;
			return { durationMs, error, ...(statusCode === undefined ? {} : { statusCode }) };
		}
		default:
			return { durationMs: 0, error: outcome.kind };
	}
}

/** Counts and logs an attempt. */
function report(
	{ message }: DeliveryRecord,
	{ statusCode, durationMs, error }: DeliveryAttempt,
	status: DeliveryRecord['status'],
	{ metrics, logger }: DeliveryHandlerOptions,
): void {
	metrics.deliveries.inc({ outcome: error ?? 'delivered' });
	metrics.deliverySeconds.observe(durationMs / 1000);
	const fields = {
		webhookId: message.id,
		event: message.type,
		url: loggableUrl(message.url),
		statusCode,
		durationMs,
		error,
		status,
	};
	if (error === undefined) logger.info(fields, 'webhook delivered');
	else logger.warn(fields, 'webhook not delivered');
}
