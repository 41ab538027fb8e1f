/** Messages stay small, so that receivers can take them as they are (Standard Webhooks 1.0, "Payload size"). */
const MAX_BODY_BYTES = 20_000;

export interface WebhookContent {
	readonly type: string;
	/** When it happened, in milliseconds since the epoch. */
	readonly timestampMs: number;
	/** What it happened to, as the API shows it. */
	readonly data: Readonly<Record<string, unknown>>;
	/** Where the whole of it can be read; put in place of `data.result` when that is too large to send. */
	readonly resultUrl?: string | undefined;
}

/** The body of a message: JSON of `type`, `timestamp` (ISO 8601) and `data`, below 20 kB. */
export function webhookBody({ type, timestampMs, data, resultUrl }: WebhookContent): string {
	const timestamp = new Date(timestampMs).toISOString();
	const whole = JSON.stringify({ type, timestamp, data });
	if (Buffer.byteLength(whole) < MAX_BODY_BYTES) return whole;
	const { result: _tooLarge, ...rest } = data;
	return JSON.stringify({ type, timestamp, data: { ...rest, result_url: resultUrl } });
}
