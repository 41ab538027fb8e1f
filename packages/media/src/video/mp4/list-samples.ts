import { createLengthGuard, type PacketList } from '../frame-lists.ts';
import type { VideoHeader, VideoSource } from '../probe-video.ts';
import type { SampleTable } from './sample-table.ts';

/**
 * The samples as the list of packets that ffprobe would give.
 *
 * @throws AppError `video_too_long`.
 */
export function listSamples(
	source: VideoSource,
	header: VideoHeader,
	{ timestamps, offsets, keySamples, lastDuration }: SampleTable,
): PacketList {
	const guard = createLengthGuard(source, header);
	for (const timestamp of timestamps) guard(timestamp);
	const sorted = timestamps.slice().sort();
	return {
		timestamps: sorted,
		keyTimestamps: Float64Array.from(keySamples, (sample) => timestamps[sample] ?? Number.NaN).sort(),
		places: { timestamps, offsets },
		count: timestamps.length,
		// Checked when the table was read.
		hasEmpty: false,
		startsWithKeyFrame: keySamples[0] === 0 && sorted[0] === timestamps[0],
		lastDuration,
		complaints: [],
	};
}
