import type { Detection } from '@facet/contracts';

/** What a thread is told when it starts. */
export interface InferenceThreadData {
	readonly modelsDir: string;
	readonly model: string;
}

/** One photo for a thread to decode and search. */
export interface PhotoTask {
	/** A file that sharp can read. */
	readonly path: string;
	readonly maxPixels: number;
	readonly timeoutMs: number;
}

export interface PhotoDetections {
	/** Size in display space, in pixels. */
	readonly width: number;
	readonly height: number;
	readonly orientation: number;
	/** In pixels of the full picture, clipped to it. */
	readonly detections: Detection[];
	readonly decodeMs: number;
	readonly detectMs: number;
}
