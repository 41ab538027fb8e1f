import {
	cropRegion,
	type DetectedFace,
	type DetectOptions,
	type DetectResult,
	type Frame,
	type FrameResult,
	type Person,
} from '@facet/contracts';
import { type FrameRef, openVideo, type ProcessLimit, type Video, type VideoType } from '@facet/media';
import type { ObservedFrame, TrackedFrame } from '@facet/vision';
import pMap from 'p-map';
import type { CropUploader } from './crop-uploader.ts';
import { cutOut } from './cut-out.ts';
import type { Inference, JobTerms } from './inference.ts';
import { largestFace } from './largest-face.ts';
import { removedBoxes } from './removed-boxes.ts';
import { toSourcePixels } from './source-pixels.ts';
import type { StageClock } from './stage-clock.ts';

export interface VideoPipelineOptions {
	readonly inference: Inference;
	readonly uploader: CropUploader;
	/** Frames of one video in the inference threads at once. */
	readonly concurrency: number;
	readonly maxPixels: number;
	readonly maxSeconds: number;
	/** Shared by all videos of the worker. */
	readonly processes: ProcessLimit;
	/** Limit on each pass of ffmpeg, in milliseconds. */
	readonly timeoutMs: number;
}

export interface VideoJob extends JobTerms {
	readonly jobId: string;
	readonly path: string;
	readonly type: VideoType;
	readonly bytes: number;
	readonly options: DetectOptions;
	/** Whether the result has all 68 landmarks of a face. */
	readonly landmarks68: boolean;
	readonly clock: StageClock;
	readonly progress: (framesDone: number, framesWanted: number) => void;
}

/** Full frames that wait for their crops to be cut and uploaded; each may take 100 MB. */
const CROP_CONCURRENCY = 2;

/** From a video on disk to the faces and persons in it: sample, decode, detect, track, crop, upload. */
export class VideoPipeline {
	readonly #options: VideoPipelineOptions;

	constructor(options: VideoPipelineOptions) {
		this.#options = options;
	}

	/** @throws AppError `corrupt_media`, `no_video_stream`, `video_too_long`, `too_many_pixels`, `processing_timeout`. */
	async run(job: VideoJob): Promise<DetectResult> {
		const { clock, signal, options } = job;
		const video = await clock.time('decode', () =>
			openVideo(job.path, job.type, this.#options, { signal, processes: this.#options.processes }),
		);
		const wanted = video.sample(options.numFrames);
		const observed = await this.#observe(job, video, wanted);
		const { frames: tracked, persons } = await clock.time('detect', () =>
			this.#options.inference.track(observed, job, options.scoreThreshold),
		);
		const answered = options.singleFace
			? tracked.map((frame) => ({ ...frame, faces: largestFace(frame.faces) }))
			: tracked;
		const crops = options.returnFaceUrl ? await this.#crop(job, video, answered) : undefined;
		return {
			options,
			media: {
				kind: 'video',
				...video.facts,
				bytes: job.bytes,
				framesWanted: wanted.length,
				framesObtained: observed.length,
				warnings: [...video.warnings],
			},
			model: this.#options.inference.detector.name,
			frames: toFrameResults(answered, video, crops),
			persons: options.singleFace ? personsSeenIn(answered, persons) : [...persons],
			timings: clock.timings,
		};
	}

	/** The faces of each sampled frame that could be decoded, in pixels of the full frame. */
	async #observe(job: VideoJob, video: Video, wanted: readonly FrameRef[]): Promise<ObservedFrame[]> {
		const { clock, signal } = job;
		const { inference, concurrency } = this.#options;
		const maxSide = inference.detector.inputSide;
		const frames = clock.timeEach('decode', video.frames(wanted, { maxSide, signal }));
		let done = 0;
		job.progress(done, wanted.length);
		return pMap(
			frames,
			async ({ index, timestampMs, image }: Frame) => {
				const { observations, detectMs } = await inference.observeFrame(image, job, {
					minFaceSize: job.options.minFaceSize,
					scoreThreshold: job.options.scoreThreshold,
					landmarks68: job.landmarks68,
					source: { width: video.facts.width, height: video.facts.height },
				});
				clock.add('detect', detectMs);
				done += 1;
				job.progress(done, wanted.length);
				const { width, height } = video.facts;
				return {
					index,
					timestampMs,
					width,
					height,
					observations: toSourcePixels(observations, image, video.facts),
				};
			},
			{ concurrency, signal },
		);
	}

	/** The keys of the crops of each frame, by the frame's index. Full frames are decoded for this alone. */
	async #crop(
		job: VideoJob,
		video: Video,
		tracked: readonly TrackedFrame[],
	): Promise<ReadonlyMap<number, (string | null)[]>> {
		const { jobId, clock, signal } = job;
		const withFaces = new Map(
			tracked.filter(({ faces }) => faces.length > 0).map((frame) => [frame.index, frame]),
		);
		const frames = clock.timeEach('crop', video.frames([...withFaces.values()], { signal }));
		const keys = await pMap(
			frames,
			async ({ index, image }: Frame) => {
				const regions = (withFaces.get(index)?.faces ?? []).map(({ box }) => cropRegion(box, video.facts));
				const pieces = regions.map((region) => cutOut(image, region));
				const jpegs = await this.#options.inference.encode(pieces, job);
				const uploaded = await clock.time('upload', () =>
					this.#options.uploader.upload(jobId, index, jpegs, signal),
				);
				return [index, uploaded] as const;
			},
			{ concurrency: CROP_CONCURRENCY, signal },
		);
		return new Map(keys);
	}
}

function toFrameResults(
	tracked: readonly TrackedFrame[],
	video: Video,
	crops: ReadonlyMap<number, readonly (string | null)[]> | undefined,
): FrameResult[] {
	return tracked.map(({ index, timestampMs, faces }, position) => ({
		index,
		timestampMs,
		faces: faces.map((face, number): DetectedFace => {
			const key = crops?.get(index)?.[number] ?? null;
			return {
				...face,
				crop: crops === undefined ? null : { region: cropRegion(face.box, video.facts), key },
			};
		}),
		removed: removedBoxes(tracked[position - 1]?.faces ?? [], faces),
	}));
}

/** The persons as far as they are answered: with `single_face`, a frame shows one of them. */
function personsSeenIn(frames: readonly TrackedFrame[], persons: readonly Person[]): Person[] {
	return persons.flatMap((person) => {
		const seen = frames.filter(({ faces }) => faces.some(({ trackId }) => person.trackIds.includes(trackId)));
		const [first] = seen;
		const last = seen.at(-1);
		if (first === undefined || last === undefined) return [];
		return {
			...person,
			frames: seen.map(({ index }) => index),
			firstSeenMs: first.timestampMs,
			lastSeenMs: last.timestampMs,
		};
	});
}
