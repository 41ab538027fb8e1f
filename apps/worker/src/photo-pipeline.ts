import {
	boxArea,
	type Crop,
	cropRegion,
	type DetectedFace,
	type Detection,
	type DetectOptions,
	type DetectResult,
} from '@facet/contracts';
import { cropJpegs, type ImageFormat, toReadablePhoto } from '@facet/media';
import type { InferencePool } from '@facet/vision';
import type { CropUploader } from './crop-uploader.ts';
import type { PhotoDetections, PhotoTask } from './inference-task.ts';
import type { StageClock } from './stage-clock.ts';

export interface PhotoPipelineOptions {
	readonly pool: InferencePool<PhotoTask, PhotoDetections>;
	readonly uploader: CropUploader;
	/** Name of the detector, for the result. */
	readonly model: string;
	readonly maxPixels: number;
	readonly decodeTimeoutMs: number;
}

export interface PhotoJob {
	readonly jobId: string;
	/** The photo as it came. */
	readonly path: string;
	readonly format: ImageFormat;
	readonly bytes: number;
	readonly options: DetectOptions;
	readonly clock: StageClock;
	readonly signal: AbortSignal;
}

type Picture = Pick<PhotoDetections, 'width' | 'height' | 'orientation'>;

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
			toReadablePhoto(job.path, job.format, { ...limits, signal }),
		);
		const { detections, decodeMs, detectMs, ...picture } = await this.#options.pool.run(
			{ path, ...limits },
			{ signal },
		);
		clock.add('decode', decodeMs);
		clock.add('detect', detectMs);
		const found = options.singleFace ? largest(detections) : detections;
		const faces = options.returnFaceUrl
			? await this.#withCrops(job, path, picture, found)
			: found.map((detection) => ({ ...detection, crop: null, trackId: null }));
		return {
			options,
			media: { kind: 'image', format: job.format, bytes: job.bytes, ...picture },
			model: this.#options.model,
			frames: [{ index: 0, timestampMs: null, faces, removed: [] }],
			persons: [],
			timings: clock.timings,
		};
	}

	async #withCrops(
		{ jobId, clock, signal }: PhotoJob,
		path: string,
		picture: Picture,
		detections: readonly Detection[],
	): Promise<DetectedFace[]> {
		const limits = { maxPixels: this.#options.maxPixels, timeoutMs: this.#options.decodeTimeoutMs };
		const regions = detections.map(({ box }) => cropRegion(box, picture));
		const jpegs = await clock.time('crop', () => cropJpegs(path, regions, limits));
		const keys = await clock.time('upload', () => this.#options.uploader.upload(jobId, 0, jpegs, signal));
		return detections.map((detection, index) => {
			const region = regions[index];
			const crop: Crop | null = region ? { region, key: keys[index] ?? null } : null;
			return { ...detection, crop, trackId: null };
		});
	}
}

function largest(detections: readonly Detection[]): Detection[] {
	const [first, ...rest] = detections;
	if (first === undefined) return [];
	return [rest.reduce((best, next) => (boxArea(next.box) > boxArea(best.box) ? next : best), first)];
}
