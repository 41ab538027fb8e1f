import type { DetectJob, Extra, JobOutcome } from '../detect-job.ts';
import { toDetectSuccess, toWireBox, toWirePoint, type WireFrame } from '../detect-response.ts';
import type { DetectResult, FrameResult, MediaReport, Person } from '../detect-result.ts';
import { AppError } from '../errors.ts';
import type { JobFrame, JobResult, WireJob, WireJobSummary } from './job.ts';

/** A job at one moment: what the queue knows of it while it lasts, its outcome afterwards. Times in ms since 1970. */
export type JobSnapshot =
	| {
			readonly id: string;
			readonly status: 'queued' | 'processing';
			readonly data: DetectJob;
			readonly createdAt: number;
			/** Start of the present or last run. */
			readonly startedAt: number | undefined;
			/** Runs begun. */
			readonly attempts: number;
			readonly progress: JobProgress | undefined;
			/** Jobs that are taken before this one, when that was looked up. */
			readonly position?: number | undefined;
	  }
	| { readonly id: string; readonly status: JobOutcome['status']; readonly outcome: JobOutcome };

/** How far a running job is. */
export interface JobProgress {
	readonly framesDone: number;
	readonly framesWanted: number;
}

export interface WireJobOptions {
	/** Base of the links to ourselves, without a slash at its end. */
	readonly baseUrl: string;
	/** The link that a client can fetch the crop with this object key from. */
	readonly urlOf: (key: string) => Promise<string>;
	/** How long results are kept. */
	readonly resultTtlSeconds: number;
}

/** The document that `GET /v1/jobs/{id}` answers, and that webhooks carry. */
export async function toWireJob(job: JobSnapshot, options: WireJobOptions): Promise<WireJob> {
	const outcome = outcomeOf(job);
	return {
		...toWireJobSummary(job, options),
		result:
			outcome?.status === 'succeeded'
				? await toJobResult(outcome.result, outcome.job.include ?? [], options.urlOf)
				: null,
	};
}

/** A job as lists show it. */
export function toWireJobSummary(
	job: JobSnapshot,
	{ baseUrl, resultTtlSeconds }: Pick<WireJobOptions, 'baseUrl' | 'resultTtlSeconds'>,
): WireJobSummary {
	const self = `${baseUrl}/v1/jobs/${job.id}`;
	const urls = { self, events: `${self}/events`, cancel: `${self}/cancel`, deliveries: `${self}/deliveries` };
	if (!('outcome' in job)) {
		const { id, status, data, progress } = job;
		return {
			id,
			status,
			...factsOf(data),
			attempts: job.attempts,
			progress: progress ? { frames_done: progress.framesDone, frames_wanted: progress.framesWanted } : null,
			queue_position: job.position ?? null,
			created_at: toIso(job.createdAt),
			started_at: job.startedAt === undefined ? null : toIso(job.startedAt),
			finished_at: null,
			expires_at: null,
			metrics: null,
			error: null,
			urls,
		};
	}
	const { outcome } = job;
	const { createdAt, startedAt, finishedAt, attempts } = outcome.job;
	return {
		id: job.id,
		status: job.status,
		...factsOf(outcome.job),
		attempts,
		progress: null,
		queue_position: null,
		created_at: toIso(createdAt),
		started_at: startedAt === undefined ? null : toIso(startedAt),
		finished_at: toIso(finishedAt),
		expires_at: toIso(finishedAt + resultTtlSeconds * 1000),
		metrics:
			outcome.status === 'succeeded' ? metricsOf(outcome.result, (startedAt ?? createdAt) - createdAt) : null,
		error: outcome.status === 'succeeded' ? null : errorOf(AppError.fromRecord(outcome.error)),
		urls,
	};
}

/** Id of the caller that a job belongs to. */
export function ownerOf(job: JobSnapshot): string {
	return 'outcome' in job ? job.outcome.job.owner : job.data.owner;
}

/** The job as of its end; undefined while it has not ended. */
export function outcomeOf(job: JobSnapshot): JobOutcome | undefined {
	return 'outcome' in job ? job.outcome : undefined;
}

/** What a job has found: the facade's `faces_obj` with the extras asked for, persons, and a report on the media. */
export async function toJobResult(
	result: DetectResult,
	include: readonly Extra[],
	urlOf: (key: string) => Promise<string>,
): Promise<JobResult> {
	const { faces_obj } = await toDetectSuccess(result, urlOf);
	const frames = result.frames.map((frame): [string, JobFrame] => {
		const key = String(frame.index);
		return [key, withExtras(faces_obj[key], frame, include)];
	});
	return {
		faces_obj: Object.fromEntries(frames),
		persons: result.persons.map(toWirePerson),
		media: toWireMedia(result.media),
		model: result.model,
	};
}

function withExtras(
	wire: WireFrame | undefined,
	{ faces }: FrameResult,
	include: readonly Extra[],
): JobFrame {
	if (wire === undefined) throw new Error('a frame that is not in its own result');
	const has = new Set(include);
	return {
		...wire,
		...(has.has('scores') && { scores: faces.map(({ score }) => rounded(score, 4)) }),
		...(has.has('track_ids') && { track_ids: faces.map(({ trackId }) => trackId) }),
		...(has.has('landmarks_68') && {
			landmarks_68: faces.map(({ landmarks68 }) => landmarks68?.map(toWirePoint) ?? null),
		}),
		...(has.has('pose') && {
			pose: faces
				.map(
					({ pose }) =>
						pose && { yaw: rounded(pose.yaw, 1), pitch: rounded(pose.pitch, 1), roll: rounded(pose.roll, 1) },
				)
				.map((pose) => pose ?? null),
		}),
		...(has.has('quality') && {
			quality: faces.map(({ quality }) => (quality === undefined ? null : rounded(quality, 3))),
		}),
	};
}

function toWirePerson({ id, trackIds, frames, firstSeenMs, lastSeenMs, best }: Person) {
	return {
		id,
		track_ids: trackIds,
		frames,
		first_seen: seconds(firstSeenMs),
		last_seen: seconds(lastSeenMs),
		best: { frame: best.frame, region: toWireBox(best.box) },
	};
}

function toWireMedia(media: MediaReport): JobResult['media'] {
	if (media.kind === 'image') return media;
	const { durationMs, frameRate, framesWanted, framesObtained, ...rest } = media;
	return {
		...rest,
		duration: seconds(durationMs),
		frame_rate: frameRate,
		frames_wanted: framesWanted,
		frames_obtained: framesObtained,
	};
}

function metricsOf({ timings }: DetectResult, queuedMs: number) {
	const { fetch, ...others } = timings;
	return { queue: queuedMs, download: fetch, ...others };
}

function factsOf({
	tag,
	batchId,
	include,
	deadline,
}: Pick<DetectJob, 'tag' | 'batchId' | 'include' | 'deadline'>) {
	return {
		tag: tag ?? null,
		batch_id: batchId ?? null,
		include: include ?? [],
		deadline: deadline === undefined ? null : toIso(deadline),
	};
}

function errorOf({ code, publicMessage, detail, retryable }: AppError) {
	return { code, message: publicMessage, detail: detail ?? null, retryable };
}

function rounded(value: number, decimals: number): number {
	return Number(value.toFixed(decimals));
}

/** Three decimals at most. */
function seconds(ms: number): number {
	return Math.round(ms) / 1000;
}

function toIso(ms: number): string {
	return new Date(ms).toISOString();
}
