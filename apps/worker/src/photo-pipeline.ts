import {
	type Crop,
	cropRegion,
	type DetectedFace,
	type Detection,
	type DetectOptions,
	type DetectResult,
	type Size,
} from '@facet/contracts';
import { type ImageFormat, toReadablePhoto } from '@facet/media';
import type { CropUploader } from './crop-uploader.ts';
import type { Inference, JobTerms } from './inference.ts';
import { largestFace } from './largest-face.ts';
import type { JobFiles } from './scratch.ts';
import type { StageClock } from './stage-clock.ts';

export interface PhotoPipelineOptions {
	readonly inference: Inference;
	readonly uploader: CropUploader;
	readonly maxPixels: number;
	readonly decodeTimeoutMs: number;
}

export interface PhotoJob extends JobTerms {
	readonly jobId: string;
	/** The photo as it came. */
	readonly path: string;
	readonly files: JobFiles;
	readonly format: ImageFormat;
	readonly bytes: number;
	readonly options: DetectOptions;
	/** Whether the result has all 68 landmarks of a face. */
	readonly landmarks68: boolean;
	readonly clock: StageClock;
}

/** From a photo on disk to the faces in it: decode, detect, crop, upload. */
export class PhotoPipeline {
	readonly #options: PhotoPipelineOptions;

	constructor(options: PhotoPipelineOptions) {
		this.#options = options;
	}

	/** @throws AppError `corrupt_media`, `too_many_pixels`, `processing_timeout`. */
	async run(job: PhotoJob): Promise<DetectResult> {
		const { clock, signal, options } = job;
		const limits = { maxPixels: this.#options.maxPixels, timeoutMs: this.#options.decodeTimeoutMs };
		const path = await clock.time('decode', () =>
			toReadablePhoto(job.path, job.format, { ...limits, newFile: job.files.path, signal }),
		);
		const { inference } = this.#options;
		const { width, height, orientation, ...found } = await inference.detectPhoto(
			{
				path,
				...limits,
				minFaceSize: options.minFaceSize,
				scoreThreshold: options.scoreThreshold,
				landmarks68: job.landmarks68,
			},
			job,
		);
		clock.add('decode', found.decodeMs);
		clock.add('detect', found.detectMs);
		const detections = options.singleFace ? largestFace(found.detections) : found.detections;
		const faces = options.returnFaceUrl
			? await this.#withCrops(job, path, { width, height }, detections)
			: detections.map((detection) => ({ ...detection, crop: null, trackId: null }));
		return {
			options,
			media: { kind: 'image', format: job.format, bytes: job.bytes, width, height, orientation },
			model: inference.detector.name,
			frames: [{ index: 0, timestampMs: null, faces, removed: [] }],
			persons: [],
			timings: clock.timings,
		};
	}

	async #withCrops(
		job: PhotoJob,
		path: string,
		picture: Size,
		detections: readonly Detection[],
	): Promise<DetectedFace[]> {
		const { jobId, clock, signal } = job;
		const limits = { maxPixels: this.#options.maxPixels, timeoutMs: this.#options.decodeTimeoutMs };
		const regions = detections.map(({ box }) => cropRegion(box, picture));
		const jpegs = await clock.time('crop', () =>
			this.#options.inference.cropPhoto({ path, regions, ...limits }, job),
		);
		const keys = await clock.time('upload', () => this.#options.uploader.upload(jobId, 0, jpegs, signal));
		return detections.map((detection, index) => {
			const region = regions[index];
			const crop: Crop | null = region ? { region, key: keys[index] ?? null } : null;
			return { ...detection, crop, trackId: null };
		});
	}
}
