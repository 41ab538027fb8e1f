import type { Size } from './geometry.ts';

/** Interleaved 8-bit sRGB pixels, row by row from the top left: `data.length === width * height * 3`. */
export interface RgbImage extends Size {
	readonly data: Uint8Array;
}
