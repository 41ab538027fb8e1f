export { type WebhookContent, webhookBody } from './event-body.ts';
export { parseRetryAfter, retryDelayMs } from './retry-schedule.ts';
export {
	type SendError,
	type SendOptions,
	type SendOutcome,
	sendWebhook,
	type WebhookRequest,
} from './send-webhook.ts';
export {
	type SignedMessage,
	signWebhook,
	type Verification,
	verifyWebhook,
	type WebhookHeaders,
} from './signature.ts';
export { generateWebhookSecret, webhookSecretKey } from './webhook-secret.ts';
