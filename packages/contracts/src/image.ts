import type { Size } from './geometry.ts';

/** Interleaved 8-bit sRGB pixels, row by row from the top left: `data.length === width * height * 3`. */
export interface RgbImage extends Size {
	readonly data: Uint8Array;
}

/** One decoded frame of a video. */
export interface Frame {
	/** 0-based index in presentation order. */
	readonly index: number;
	/** The frame's time after the first frame's, in milliseconds. */
	readonly timestampMs: number;
	/** The picture as a person sees it, scaled as was asked for. */
	readonly image: RgbImage;
}
