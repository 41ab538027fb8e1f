import { createHash } from 'node:crypto';
import type { Frame } from '@facet/contracts';
import { openVideo, type ReadOptions, sniffMedia, type Video } from '@facet/media';

export const VIDEO_LIMITS = { maxPixels: 10_000_000, maxSeconds: 600, timeoutMs: 60_000 };

/**
 * Opens a file as a worker does: type by the bytes first.
 *
 * @throws AppError, as `sniffMedia` and `openVideo` do.
 */
export async function openClip(path: string, limits = VIDEO_LIMITS): Promise<Video> {
	const type = await sniffMedia(path);
	if (type.kind !== 'video') throw new Error(`expected a video, received ${type.format}`);
	return openVideo(path, type, limits);
}

/** Reads frames to the end. */
export async function readAll(video: Video, wanted: number, options: ReadOptions = {}): Promise<Frame[]> {
	const frames: Frame[] = [];
	for await (const frame of video.frames(video.sample(wanted), options)) frames.push(frame);
	return frames;
}

/** Index, time and a hash of the pixels of each frame: equal texts mean equal frames, bit for bit. */
export function fingerprint(frames: readonly Frame[]): string[] {
	return frames.map(({ index, timestampMs, image }) => {
		const hash = createHash('sha256').update(image.data).digest('hex').slice(0, 16);
		return `${index} @ ${timestampMs.toFixed(3)} ms: ${image.width} x ${image.height} ${hash}`;
	});
}
