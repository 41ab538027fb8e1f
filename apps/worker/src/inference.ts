import type { RgbImage } from '@facet/contracts';
import type { ObservedFrame } from '@facet/vision';
import type { InferenceProcess } from '@facet/vision/process';
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
	async detectPhoto(task: Omit<PhotoTask, 'kind'>, signal: AbortSignal): Promise<PhotoDetections> {
		const result = await this.#process.run({ kind: 'photo', ...task }, { signal });
		if (result.kind !== 'photo') throw wrongKind(result);
		return result;
	}

	/** Decodes a photo and cuts it up: a JPEG for each region, in their order. */
	async cropPhoto(task: Omit<CropPhotoTask, 'kind'>, signal: AbortSignal): Promise<readonly Uint8Array[]> {
		// Nothing to cut is no reason to decode.
		if (task.regions.length === 0) return [];
		return this.#crops({ kind: 'crop-photo', ...task }, signal, isLargeCrop(task) ? LARGE_CROP_WEIGHT : 1);
	}

	/** Searches a decoded frame. */
	async observeFrame(
		image: RgbImage,
		signal: AbortSignal,
		wanted: Omit<FrameTask, 'kind' | 'image'>,
	): Promise<FrameObservations> {
		const result = await this.#process.run({ kind: 'frame', image, ...wanted }, { signal });
		if (result.kind !== 'frame') throw wrongKind(result);
		return result;
	}

	/** A JPEG of each piece, in their order. */
	async encode(pieces: readonly RgbImage[], signal: AbortSignal): Promise<readonly Uint8Array[]> {
		if (pieces.length === 0) return [];
		return this.#crops({ kind: 'encode', pieces }, signal);
	}

	/** Finds tracks and persons in the sampled frames of a video. */
	async track(
		frames: readonly ObservedFrame[],
		signal: AbortSignal,
		scoreThreshold?: number,
	): Promise<TrackedVideo> {
		const result = await this.#process.run({ kind: 'track', frames, scoreThreshold }, { signal });
		if (result.kind !== 'track') throw wrongKind(result);
		return result;
	}

	async #crops(task: InferenceTask, signal: AbortSignal, weight = 1): Promise<readonly Uint8Array[]> {
		const result = await this.#process.run(task, { signal, weight });
		if (result.kind !== 'crops') throw wrongKind(result);
		return result.jpegs;
	}
}

function wrongKind({ kind }: InferenceResult): Error {
	return new Error(`the inference process answered another task, of kind ${kind}`);
}
