export type {
	BatchRequest,
	BatchResultsOptions,
	CreateBatchOptions,
	WaitForBatchOptions,
} from './batches.ts';
export { FacetClient, type FacetClientOptions } from './facet-client.ts';
export { FacetError, type FacetErrorFields } from './facet-error.ts';
export type { CreateJobOptions, JobFile } from './jobs.ts';
export type * from './types.ts';
export {
	type VerifyWebhookOptions,
	verifyWebhook,
	WebhookVerificationError,
} from './verify-webhook.ts';
