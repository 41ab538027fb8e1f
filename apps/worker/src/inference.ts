import type { RgbImage } from '@facet/contracts';
import type { InferencePool, ObservedFrame } from '@facet/vision';
import type {
	DetectorDescription,
	FrameObservations,
	FrameTask,
	InferenceResult,
	InferenceTask,
	PhotoDetections,
	PhotoTask,
	TrackedVideo,
} from './inference-task.ts';

/** The pool of inference threads, by what it can be asked. */
export class Inference {
	readonly #pool: InferencePool<InferenceTask, InferenceResult>;
	readonly detector: DetectorDescription;

	private constructor(pool: InferencePool<InferenceTask, InferenceResult>, detector: DetectorDescription) {
		this.#pool = pool;
		this.detector = detector;
	}

	/** Starts the pool's threads. @throws Error as `InferencePool.start`. */
	static async start(pool: InferencePool<InferenceTask, InferenceResult>): Promise<Inference> {
		await pool.start();
		const detector = await pool.run({ kind: 'describe' });
		if (detector.kind !== 'describe') throw wrongKind(detector);
		return new Inference(pool, detector);
	}

	/** Decodes and searches a photo. */
	async detectPhoto(task: Omit<PhotoTask, 'kind'>, signal: AbortSignal): Promise<PhotoDetections> {
		const result = await this.#pool.run({ kind: 'photo', ...task }, { signal });
		if (result.kind !== 'photo') throw wrongKind(result);
		return result;
	}

	/** Searches a decoded frame. Its pixels move to the thread and are gone here. */
	async observeFrame(
		image: RgbImage,
		signal: AbortSignal,
		wanted: Omit<FrameTask, 'kind' | 'image'> = {},
	): Promise<FrameObservations> {
		const { buffer } = image.data;
		const transfer = buffer instanceof ArrayBuffer ? [buffer] : [];
		const result = await this.#pool.run({ kind: 'frame', image, ...wanted }, { signal, transfer });
		if (result.kind !== 'frame') throw wrongKind(result);
		return result;
	}

	/** Finds tracks and persons in the sampled frames of a video. */
	async track(
		frames: readonly ObservedFrame[],
		signal: AbortSignal,
		scoreThreshold?: number,
	): Promise<TrackedVideo> {
		const result = await this.#pool.run({ kind: 'track', frames, scoreThreshold }, { signal });
		if (result.kind !== 'track') throw wrongKind(result);
		return result;
	}
}

function wrongKind({ kind }: InferenceResult): Error {
	return new Error(`an inference thread answered another task, of kind ${kind}`);
}
