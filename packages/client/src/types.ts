import type { components, operations } from './schema.ts';

/** The documents of the API, under the names that its OpenAPI document gives them. */
type Schemas = components['schemas'];

export type Job = Schemas['Job'];
export type JobStatus = Job['status'];
export type JobRequest = Schemas['JobRequest'];
export type JobResult = Schemas['JobResult'];
export type JobList = Schemas['JobList'];
export type JobFields = Omit<Schemas['JobForm'], 'file'>;
export type Frame = Schemas['Frame'];
export type Person = Schemas['Person'];
export type Media = Schemas['Media'];
export type Batch = Schemas['Batch'];
export type BatchList = Schemas['BatchList'];
export type BatchItem = Schemas['BatchItem'];
export type BatchDefaults = Schemas['BatchDefaults'];
export type BatchResult = Schemas['BatchResult'];
export type Upload = Schemas['Upload'];
export type UploadRequest = Schemas['UploadRequest'];
export type Delivery = Schemas['Delivery'];
export type DetectFacesRequest = Schemas['DetectFacesRequest'];
export type DetectFacesAnswer = Schemas['DetectFacesAnswer'];
export type ErrorCode = Schemas['ErrorCode'];
export type Fault = Schemas['Fault'];
export type Problem = Schemas['Problem'];
export type WebhookEvent = Schemas['DetectionEvent'] | Schemas['BatchEvent'] | Schemas['TestEvent'];

export type JobListQuery = NonNullable<operations['listJobs']['parameters']['query']>;
export type BatchListQuery = NonNullable<operations['listBatches']['parameters']['query']>;

/** An event of one job. */
export type JobEvent =
	| { readonly id: string; readonly type: 'status'; readonly data: Schemas['JobStatusEvent'] }
	| { readonly id: string; readonly type: 'progress'; readonly data: Schemas['JobProgressEvent'] };

/** What any call takes. */
export interface CallOptions {
	/** Ends the call, and its waits, with the signal's reason. */
	readonly signal?: AbortSignal | undefined;
}
