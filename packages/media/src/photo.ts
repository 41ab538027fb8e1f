import { checkBmpSize } from './bmp.ts';
import { convertToPng } from './ffmpeg.ts';
import type { PictureLimits } from './picture.ts';
import type { ImageFormat } from './sniff.ts';

const BYTES_PER_PIXEL = 4;

export interface ReadablePhotoOptions extends PictureLimits {
	/** Where a file may be written, when one is needed. */
	readonly newFile: (name: string) => string;
	readonly signal?: AbortSignal | undefined;
}

/**
 * A file that sharp can read with the same picture: the file itself, or for BMP a PNG.
 *
 * @throws AppError `corrupt_media`, `too_many_pixels`, `processing_timeout`.
 */
export async function toReadablePhoto(
	path: string,
	format: ImageFormat,
	{ newFile, ...limits }: ReadablePhotoOptions,
): Promise<string> {
	if (format !== 'bmp') return path;
	await checkBmpSize(path, limits.maxPixels);
	const png = newFile('source.png');
	// Noise does not get smaller as a PNG, but hardly larger.
	const maxBytes = Math.ceil(limits.maxPixels * BYTES_PER_PIXEL * 1.01) + 1_000_000;
	await convertToPng(path, png, { inputFormat: 'bmp_pipe', maxBytes, ...limits });
	return png;
}
