import type { BoundingBox } from '@facet/contracts';
import type { ObservedFrame } from '@facet/vision';
import type { InferenceProcess } from '@facet/vision/process';
import type {
	CropPhotoTask,
	DetectorDescription,
	FrameObservations,
	FrameTask,
	InferenceResult,
	InferenceTask,
	PhotoDetections,
	PhotoTask,
	PixelFile,
	TrackedVideo,
} from './inference-task.ts';

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
		return this.#crop({ kind: 'crop-photo', ...task }, signal);
	}

	/** Searches a decoded frame. */
	async observeFrame(
		frame: PixelFile,
		signal: AbortSignal,
		wanted: Omit<FrameTask, 'kind' | 'frame'> = {},
	): Promise<FrameObservations> {
		const result = await this.#process.run({ kind: 'frame', frame, ...wanted }, { signal });
		if (result.kind !== 'frame') throw wrongKind(result);
		return result;
	}

	/** Cuts a decoded frame up: a JPEG for each region, in their order. */
	async cropFrame(
		frame: PixelFile,
		regions: readonly BoundingBox[],
		signal: AbortSignal,
	): Promise<readonly Uint8Array[]> {
		return this.#crop({ kind: 'crop-frame', frame, regions }, signal);
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

	async #crop(
		task: Extract<InferenceTask, { regions: unknown }>,
		signal: AbortSignal,
	): Promise<readonly Uint8Array[]> {
		// Nothing to cut is no reason to decode.
		if (task.regions.length === 0) return [];
		const result = await this.#process.run(task, { signal });
		if (result.kind !== 'crops') throw wrongKind(result);
		return result.jpegs;
	}
}

function wrongKind({ kind }: InferenceResult): Error {
	return new Error(`the inference process answered another task, of kind ${kind}`);
}
