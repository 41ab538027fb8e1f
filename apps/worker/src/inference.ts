import type { RgbImage } from '@facet/contracts';
import type { ObservedFrame } from '@facet/vision';
import type { InferenceProcess, RunOptions } from '@facet/vision/process';
import {
	type CropPhotoTask,
	type DetectorDescription,
	type FrameObservations,
	type FrameTask,
	type InferenceResult,
	type InferenceTask,
	isLargeCrop,
	type PhotoDetections,
	type PhotoTask,
	type TrackedVideo,
} from './inference-task.ts';

/** Of the job that something is asked for. */
export interface JobTerms {
	readonly signal: AbortSignal;
	/** Whether a client holds a connection open for it. */
	readonly isUrgent: boolean;
}

/** Of large crops half as many are cut at once as there are other tasks. */
const LARGE_CROP_WEIGHT = 2;

/** The inference process, by what it can be asked. */
export class Inference {
	readonly #process: InferenceProcess<InferenceTask, InferenceResult>;
	readonly detector: DetectorDescription;

	private constructor(
		process: InferenceProcess<InferenceTask, InferenceResult>,
		detector: DetectorDescription,
	) {
		this.#process = process;
		this.detector = detector;
	}

	/** Starts the process. @throws Error as `InferenceProcess.start`. */
	static async start(process: InferenceProcess<InferenceTask, InferenceResult>): Promise<Inference> {
		await process.start();
		const detector = await process.run({ kind: 'describe' });
		if (detector.kind !== 'describe') throw wrongKind(detector);
		return new Inference(process, detector);
	}

	/** Decodes and searches a photo. */
	async detectPhoto(task: Omit<PhotoTask, 'kind'>, job: JobTerms): Promise<PhotoDetections> {
		const result = await this.#process.run({ kind: 'photo', ...task }, termsOf(job));
		if (result.kind !== 'photo') throw wrongKind(result);
		return result;
	}

	/** Decodes a photo and cuts it up: a JPEG for each region, in their order. */
	async cropPhoto(task: Omit<CropPhotoTask, 'kind'>, job: JobTerms): Promise<readonly Uint8Array[]> {
		// Nothing to cut is no reason to decode.
		if (task.regions.length === 0) return [];
		const weight = isLargeCrop(task) ? LARGE_CROP_WEIGHT : 1;
		return this.#crops({ kind: 'crop-photo', ...task }, { ...termsOf(job), weight });
	}

	/** Searches a decoded frame. */
	async observeFrame(
		image: RgbImage,
		job: JobTerms,
		wanted: Omit<FrameTask, 'kind' | 'image'>,
	): Promise<FrameObservations> {
		const result = await this.#process.run({ kind: 'frame', image, ...wanted }, termsOf(job));
		if (result.kind !== 'frame') throw wrongKind(result);
		return result;
	}

	/** A JPEG of each piece, in their order. */
	async encode(pieces: readonly RgbImage[], job: JobTerms): Promise<readonly Uint8Array[]> {
		if (pieces.length === 0) return [];
		return this.#crops({ kind: 'encode', pieces }, termsOf(job));
	}

	/** Finds tracks and persons in the sampled frames of a video. */
	async track(
		frames: readonly ObservedFrame[],
		job: JobTerms,
		scoreThreshold?: number,
	): Promise<TrackedVideo> {
		const result = await this.#process.run({ kind: 'track', frames, scoreThreshold }, termsOf(job));
		if (result.kind !== 'track') throw wrongKind(result);
		return result;
	}

	async #crops(task: InferenceTask, options: RunOptions): Promise<readonly Uint8Array[]> {
		const result = await this.#process.run(task, options);
		if (result.kind !== 'crops') throw wrongKind(result);
		return result.jpegs;
	}
}

function termsOf({ signal, isUrgent }: JobTerms): RunOptions {
	return { signal, isUrgent };
}

function wrongKind({ kind }: InferenceResult): Error {
	return new Error(`the inference process answered another task, of kind ${kind}`);
}
