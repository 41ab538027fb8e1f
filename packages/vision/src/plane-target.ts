import type { Size } from '@facet/contracts';

/** Where the pixels of a region go in a planar float tensor, and how their values are normalised. */
export interface PlaneTarget extends Size {
	/** Three planes (red, green, blue), each `planeWidth * planeHeight` values, row by row. */
	readonly planes: Float32Array;
	readonly planeWidth: number;
	readonly planeHeight: number;
	/** Values are written as `(value - mean) / scale`, `value` being 0..255. */
	readonly mean: number;
	readonly scale: number;
}
