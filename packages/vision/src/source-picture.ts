import type { RgbImage, Size } from '@facet/contracts';

/** The picture that an image was scaled down from. */
export interface SourcePicture extends Size {
	/** A larger copy of it, with at most so many pixels; absent where there is none to be had. */
	readonly decode?: (maxPixels: number) => Promise<RgbImage>;
}
