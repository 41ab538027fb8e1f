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
		const { host } = new URL(message.url);
		const release = slots.take(host);
		if (release === undefined) throw await postpone(slots.waitMs(host));
		let retryInMs: number | undefined;
		try {
			retryInMs = await attempt(record, options);
		} finally {
			release();
		}
		if (retryInMs !== undefined) throw await postpone(retryInMs);
	};
}

/** @returns the wait before the next attempt, or undefined when there is none to come. */
async function attempt(record: DeliveryRecord, options: DeliveryHandlerOptions): Promise<number | undefined> {
	const { deliveries, scheduleMs } = options;
	const { message } = record;
	const body = (await deliveries.body(message.id)) ?? (await options.render(message));
	if (body === undefined) {
		await conclude(record, options, { at: Date.now(), durationMs: 0, error: 'expired' }, 'failed');
		return undefined;
	}
	const at = Date.now();
	const outcome = await send(message, body, options);
	const made: DeliveryAttempt = { at, ...attemptOf(outcome) };
	if (outcome.kind === 'delivered') {
		if (message.type === 'webhook.test') await deliveries.switchEndpointOn(message.owner, message.url);
		await conclude(record, options, made, 'delivered');
		return undefined;
	}
	if (outcome.kind === 'gone') {
		await deliveries.switchEndpointOff(message.owner, message.url);
		await conclude(record, options, made, 'disabled');
		return undefined;
	}
	const failures = record.failures + 1;
	const retryAfterMs = outcome.kind === 'failed' ? outcome.retryAfterMs : undefined;
	// A test tells how the endpoint is now.
	const schedule = message.type === 'webhook.test' ? [0] : scheduleMs;
	const retryInMs = retryDelayMs(schedule, failures, retryAfterMs);
	if (retryInMs === undefined) {
		// The body stays, so that a replay can send it when the result has expired.
		await conclude({ ...record, failures }, options, made, 'failed', body);
		return undefined;
	}
	const nextAttemptAt = Date.now() + retryInMs;
	await conclude({ ...record, failures, nextAttemptAt }, options, made, 'pending', body);
	return retryInMs;
}

/** What came of an attempt; without a secret none is made. */
type Outcome = SendOutcome | { readonly kind: 'unsigned' };

async function send(
	message: WebhookMessage,
	body: string,
	options: DeliveryHandlerOptions,
): Promise<Outcome> {
	const secrets = await options.secretsOf(message.owner);
	if (secrets.length === 0) return { kind: 'unsigned' };
	const timestampSeconds = Math.floor(Date.now() / 1000);
	const headers = signWebhook({ id: message.id, timestampSeconds, body }, secrets);
	return sendWebhook({ url: message.url, headers, body }, options);
}

function attemptOf(outcome: Outcome): Omit<DeliveryAttempt, 'at'> {
	switch (outcome.kind) {
		case 'delivered':
			return { statusCode: outcome.statusCode, durationMs: outcome.durationMs };
		case 'gone':
			return { statusCode: outcome.statusCode, durationMs: outcome.durationMs, error: 'gone' };
		case 'unsigned':
			return { durationMs: 0, error: 'no_secret' };
		case 'failed': {
			const { statusCode, durationMs, error } = outcome;
			return { durationMs, error, ...(statusCode === undefined ? {} : { statusCode }) };
		}
	}
}

/**
 * Writes, counts and logs what came of an attempt.
 *
 * @param body - kept for later attempts; forgotten when absent.
 */
async function conclude(
	record: DeliveryRecord,
	{ deliveries, metrics, logger }: DeliveryHandlerOptions,
	made: DeliveryAttempt,
	status: DeliveryRecord['status'],
	body: string | null = null,
): Promise<void> {
	const { message } = record;
	const attempts = [...record.attempts, made].slice(-MAX_ATTEMPTS_KEPT);
	await deliveries.save({ ...record, attempts, status }, body);
	metrics.deliveries.inc({ outcome: made.error ?? 'delivered' });
	metrics.deliverySeconds.observe(made.durationMs / 1000);
	const { statusCode, durationMs, error } = made;
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
