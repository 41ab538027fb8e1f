import { AppError } from '@facet/contracts';
import type { VideoType } from '../sniff.ts';
import { runProbe } from './ffprobe.ts';
import type { ProcessLimit } from './process-limit.ts';
import { describeVideo, type StreamDescription } from './stream-description.ts';

export interface VideoLimits {
	/** Most pixels of a frame. */
	readonly maxPixels: number;
	/** Longest video, by the timestamps of its frames. */
	readonly maxSeconds: number;
	/** Limit on each pass of ffprobe or ffmpeg over the file. */
	readonly timeoutMs: number;
}

/** A file that ffmpeg may read, and under which limits. */
export interface VideoSource {
	readonly path: string;
	readonly type: VideoType;
	readonly limits: VideoLimits;
	readonly processes: ProcessLimit;
}

/** What the header says of the one stream that is analysed. */
export interface VideoHeader extends StreamDescription {
	/** Whether reading the header went without a complaint of ffprobe. */
	readonly clean: boolean;
}

const ENTRIES = [
	'stream=index,id,codec_type,codec_name,width,height,pix_fmt,field_order,sample_aspect_ratio,time_base,nb_frames',
	',duration,color_space,color_range,color_transfer,color_primaries',
	':stream_disposition=default,attached_pic,timed_thumbnails,still_image',
	':stream_tags=alpha_mode:stream_side_data=displaymatrix,rotation:format=duration',
].join('');

/** ffprobe's description of a thousand streams has about this size. */
const MAX_DESCRIPTION_LENGTH = 4_000_000;

/**
 * Reads a video's header with ffprobe, see `describeVideo`.
 *
 * @throws AppError `corrupt_media`, `no_video_stream`, `unsupported_format`, `too_many_pixels`, `processing_timeout`.
 */
export async function probeVideo(
	source: VideoSource,
	signal?: AbortSignal | undefined,
): Promise<VideoHeader> {
	const lines: string[] = [];
	let length = 0;
	const args = ['-print_format', 'json=compact=1', '-show_entries', ENTRIES];
	const run = { ...source, args, timeoutMs: source.limits.timeoutMs, signal };
	const end = await runProbe(run, (line) => {
		lines.push(line);
		length += line.length;
		return length <= MAX_DESCRIPTION_LENGTH;
	});
	const description = describeVideo(lines.join('\n'), source.limits.maxPixels);
	if (description === undefined) {
		const [complaint] = end.complaints;
		throw new AppError('corrupt_media', {
			detail: `expected a readable ${source.type.format} file, found no streams in it`,
			cause: complaint === undefined ? undefined : new Error(complaint),
		});
	}
	return { ...description, clean: end.succeeded && end.complaints.length === 0 };
}
