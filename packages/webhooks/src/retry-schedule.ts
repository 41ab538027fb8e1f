/** A receiver may ask for more time than the schedule gives it, but not for more than this. */
const MAX_RETRY_AFTER_MS = 24 * 3600 * 1000;
/** Retries come up to this share later than the schedule says, so that a receiver is not met by all at once. */
const JITTER = 0.1;

/**
 * How long to wait before the next attempt, in milliseconds, or undefined when the last one has been made.
 *
 * @param scheduleMs - the wait before each attempt, the first included; as many attempts as entries.
 * @param attemptsMade - attempts that have failed.
 * @param retryAfterMs - what the receiver asked for; the later of the two counts.
 * @param random - 0 to 1.
 */
export function retryDelayMs(
	scheduleMs: readonly number[],
	attemptsMade: number,
	retryAfterMs = 0,
	random: number = Math.random(),
): number | undefined {
	const scheduled = scheduleMs[attemptsMade];
	if (scheduled === undefined) return undefined;
	return Math.round(Math.max(scheduled * (1 + JITTER * random), Math.min(retryAfterMs, MAX_RETRY_AFTER_MS)));
}

/**
 * A `Retry-After` header (RFC 9110, 10.2.3): seconds or a date.
 *
 * @returns milliseconds from now, or undefined for what is neither or has passed.
 */
export function parseRetryAfter(header: string | undefined, nowMs: number = Date.now()): number | undefined {
	const text = header?.trim() ?? '';
	const delayMs = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
	return delayMs > 0 ? delayMs : undefined;
}
