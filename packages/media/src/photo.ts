import { checkBmpSize } from './bmp.ts';
import { convertToPng } from './ffmpeg.ts';
import type { PictureLimits } from './picture.ts';
import type { ImageFormat } from './sniff.ts';

/**
 * A file that sharp can read with the same picture: the file itself, or for BMP a PNG beside it.
 *
 * @throws AppError `corrupt_media`, `too_many_pixels`, `processing_timeout`.
 */
export async function toReadablePhoto(
	path: string,
	format: ImageFormat,
	limits: PictureLimits & { readonly signal?: AbortSignal | undefined },
): Promise<string> {
	if (format !== 'bmp') return path;
	await checkBmpSize(path, limits.maxPixels);
	const png = `${path}.png`;
	await convertToPng(path, png, { inputFormat: 'bmp_pipe', ...limits });
	return png;
}
