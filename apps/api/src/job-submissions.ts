import { randomUUID } from 'node:crypto';
import type { JobRequest, JobSnapshot } from '@facet/contracts';
import type { IdempotencyStore, JobReader } from '@facet/queue';
import type { DetectionService, Submission } from './detection-service.ts';
import { type FindUploadOptions, findUpload } from './find-upload.ts';
import { idempotently } from './idempotently.ts';
import type { JobViews } from './job-views.ts';
import { identityOf, type Media, type NamedUpload } from './media.ts';
import { digestOf, fingerprintOf } from './request-digest.ts';
import type { SharedJobs } from './shared-jobs.ts';
import { checkWebhookTarget } from './webhook-target.ts';

export interface JobSubmissionsOptions {
	readonly service: DetectionService;
	readonly idempotency: IdempotencyStore;
	readonly shared: SharedJobs;
	readonly reader: JobReader;
	readonly views: JobViews;
	readonly uploads: FindUploadOptions;
	/** Age at which a job ends as expired whose request does not say when, in seconds. */
	readonly deadlineSeconds: number;
}

/** A request for a job, whatever form its body had. */
export interface JobOrder extends Omit<JobRequest, 'media'> {
	readonly media: Media | NamedUpload;
	readonly cancelAfterSeconds: number | undefined;
	readonly idempotencyKey: string | undefined;
}

export interface SubmittedJob {
	readonly job: JobSnapshot;
	/** Whether an earlier request with the same idempotency key made it. */
	readonly isReplay: boolean;
	/** Whether it is an unfinished job of an identical request. */
	readonly isShared: boolean;
}

/** Turns requests of `/v1` into jobs: one job for one idempotency key, and one for identical requests that say so. */
export class JobSubmissions {
	readonly #options: JobSubmissionsOptions;

	constructor(options: JobSubmissionsOptions) {
		this.#options = options;
	}

	/**
	 * @throws AppError as `DetectionService`, `idempotently` and `findUpload`; `invalid_request` for a webhook that could
	 * not be signed; `gone` and `not_found` when an idempotency key leads to a job that has expired or was erased.
	 */
	async submit(order: JobOrder, submission: Submission): Promise<SubmittedJob> {
		const { idempotency, reader, views } = this.#options;
		const { caller, logger } = submission;
		if (order.webhook) checkWebhookTarget(order.webhook, caller);
		const newId = randomUUID();
		const key = order.idempotencyKey;
		if (key === undefined) return this.#create(order, newId, submission);
		const request = { owner: caller.id, key, digest: digestOfOrder(order), newId, logger };
		let created: SubmittedJob | undefined;
		const { id, isReplay } = await idempotently(idempotency, request, {
			create: async (jobId) => {
				created = await this.#create(order, jobId, submission);
				return created.job.id;
			},
			exists: async (jobId) => (await reader.read(jobId)) !== undefined,
		});
		return created ?? { job: await views.find(caller.id, id), isReplay, isShared: false };
	}

	async #create(order: JobOrder, id: string, submission: Submission): Promise<SubmittedJob> {
		const { service, shared } = this.#options;
		const owner = submission.caller.id;
		const media = await this.#look(order.media, owner);
		const { options, include } = order;
		const fingerprint = fingerprintOf('v1', { owner, media: identityOf(media), options, include });
		if (order.dedupe) {
			const job = await shared.findOrClaim(fingerprint, id);
			if (job) return { job, isReplay: false, isShared: true };
		}
		try {
			const detection = { ...order, id, media, urgency: order.priority, fingerprint, isDetached: true };
			const deadline = this.#deadline(order);
			const job = await service.submit({ ...detection, deadline }, submission);
			return { job, isReplay: false, isShared: false };
		} catch (error) {
			if (order.dedupe) await shared.release(fingerprint, id);
			throw error;
		}
	}

	async #look(media: Media | NamedUpload, owner: string): Promise<Media> {
		if (media.kind !== 'upload') return media;
		return { kind: 'object', object: await findUpload(this.#options.uploads, owner, media.uploadId) };
	}

	/** A job that is asked to end at some time does so while it waits, too; others end when a worker takes them. */
	#deadline({ cancelAfterSeconds }: JobOrder): { at: number; isWatched: boolean } {
		const seconds = cancelAfterSeconds ?? this.#options.deadlineSeconds;
		return { at: Date.now() + seconds * 1000, isWatched: cancelAfterSeconds !== undefined };
	}
}

/** Whatever makes the job another one. */
function digestOfOrder(order: JobOrder): string {
	const { media, options, include, tag, priority, webhook, dedupe, cancelAfterSeconds } = order;
	return digestOf([
		'POST /v1/jobs',
		fingerprintOf('v1', { owner: '', media: identityOf(media), options, include }),
		tag ?? null,
		priority,
		webhook?.url ?? null,
		[...(webhook?.events ?? [])].sort(),
		dedupe,
		cancelAfterSeconds ?? null,
	]);
}
