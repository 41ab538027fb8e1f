/** For a scenario, which starts several processes one after the other; the time is for a busy machine. */
export const TIMEOUT_MS = 180_000;

/** A Facet whose parts find out soon that others are gone, and whose webhooks do not wait for long. */
export const chaosEnvironment = (webhookSecret: string): Record<string, string> => ({
	JOB_LOCK_MS: '1000',
	WEBHOOK_SECRET: webhookSecret,
	WEBHOOK_RETRY_SCHEDULE: '0s,200ms,500ms,1s,2s,5s,5s,5s,5s,5s',
	WEBHOOK_TIMEOUT_MS: '5000',
	WORKER_CONCURRENCY: '3',
});
