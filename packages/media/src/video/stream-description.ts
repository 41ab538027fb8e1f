import { AppError, type Size } from '@facet/contracts';
import { z } from 'zod';
import {
	type DisplayGeometry,
	displayGeometry,
	parseDisplayMatrix,
	toQuarterTurn,
} from './display-geometry.ts';

/** How numbers in the file become colours; ffmpeg's names, undefined where the file does not say. */
export interface ColourDescription {
	readonly matrix: string | undefined;
	readonly range: string | undefined;
	readonly transfer: string | undefined;
	readonly primaries: string | undefined;
}

/** What ffprobe's description says of the one stream that is analysed. */
export interface StreamDescription {
	/** The stream's number in the file. */
	readonly stream: number;
	/** The container's own number of it; undefined where it has none. */
	readonly streamId: number | undefined;
	readonly codec: string;
	readonly coded: Size;
	readonly geometry: DisplayGeometry;
	/** A timestamp unit in seconds, as a fraction. */
	readonly timeBase: { readonly numerator: number; readonly denominator: number };
	readonly pixelFormat: string;
	readonly hasAlpha: boolean;
	readonly interlaced: boolean;
	readonly colour: ColourDescription;
	/** Frames and seconds that the header claims; undefined where it does not. */
	readonly claimedFrames: number | undefined;
	readonly claimedSeconds: number | undefined;
	readonly warnings: readonly string[];
}

const numeric = z
	.union([z.string(), z.number()])
	.transform(Number)
	.pipe(z.number())
	.optional()
	.catch(undefined);
const ratio = z
	.string()
	.regex(/^\d+[:/]\d+$/)
	.transform((text) => text.split(/[:/]/).map(Number))
	.pipe(z.tuple([z.number().positive(), z.number().positive()]))
	.optional()
	.catch(undefined);
const word = z.string().optional().catch(undefined);

const streamSchema = z.object({
	index: z.int().nonnegative(),
	id: numeric,
	codec_type: word,
	codec_name: word,
	width: z.int().nonnegative().catch(0),
	height: z.int().nonnegative().catch(0),
	pix_fmt: z.string().catch(''),
	field_order: word,
	sample_aspect_ratio: ratio,
	time_base: ratio,
	nb_frames: numeric,
	duration: numeric,
	color_space: word,
	color_range: word,
	color_transfer: word,
	color_primaries: word,
	disposition: z.record(z.string(), z.number()).catch({}),
	tags: z.record(z.string(), z.string()).catch({}),
	side_data_list: z.array(z.object({ displaymatrix: word, rotation: numeric })).catch([]),
});
const probeSchema = z.object({
	streams: z.array(streamSchema).catch([]),
	format: z.object({ duration: numeric }).catch({ duration: undefined }),
});

type Stream = z.infer<typeof streamSchema>;

/**
 * Reads what ffprobe prints as JSON, and chooses the stream to analyse: no cover art; the default one, of these the
 * largest. What is in the description comes out of the file, so nothing in it is taken for granted.
 *
 * @param maxPixels - most pixels of a frame.
 * @returns undefined when there is no stream in it, or it is no description.
 * @throws AppError `corrupt_media`, `no_video_stream`, `unsupported_format`, `too_many_pixels`.
 */
export function describeVideo(text: string, maxPixels: number): StreamDescription | undefined {
	const description = parseDescription(text);
	if (description === undefined || description.streams.length === 0) return undefined;
	return describeStream(chooseStream(description.streams), description.format.duration, maxPixels);
}

function parseDescription(text: string): z.infer<typeof probeSchema> | undefined {
	try {
		return probeSchema.safeParse(JSON.parse(text)).data;
	} catch {
		return undefined;
	}
}

function chooseStream(streams: readonly Stream[]): Stream {
	const [best] = streams
		.filter(({ codec_type, disposition }) => {
			return codec_type === 'video' && !disposition.attached_pic && !disposition.timed_thumbnails;
		})
		.sort((a, b) => rank(b) - rank(a) || area(b) - area(a) || a.index - b.index);
	if (best) return best;
	const covers = streams.some(({ codec_type }) => codec_type === 'video') ? ', besides cover art' : '';
	throw new AppError('no_video_stream', { detail: `expected a video stream, found none${covers}` });
}

function rank({ disposition, width, height }: Stream): number {
	return (width > 0 && height > 0 ? 2 : 0) + (disposition.default ? 1 : 0);
}

function area({ width, height }: Stream): number {
	return width * height;
}

function describeStream(
	stream: Stream,
	fileSeconds: number | undefined,
	maxPixels: number,
): StreamDescription {
	const { codec_name: codec, width, height, time_base: timeBase, nb_frames: claimedFrames } = stream;
	if (codec === undefined || codec === 'unknown') {
		throw new AppError('unsupported_format', { detail: 'the codec of the video stream is not known' });
	}
	if (width === 0 || height === 0 || timeBase === undefined) {
		throw new AppError('corrupt_media', { detail: `the ${codec} stream has no readable picture` });
	}
	const [aspectWidth, aspectHeight] = stream.sample_aspect_ratio ?? [1, 1];
	const { orientation, warnings } = readOrientation(stream);
	const geometry = displayGeometry({ width, height }, aspectWidth / aspectHeight, orientation);
	for (const size of [{ width, height }, geometry]) {
		if (size.width * size.height <= maxPixels) continue;
		throw new AppError('too_many_pixels', {
			detail: `expected at most ${maxPixels} pixels a frame, received ${size.width} x ${size.height}`,
		});
	}
	return {
		stream: stream.index,
		streamId: stream.id,
		codec,
		coded: { width, height },
		geometry,
		timeBase: { numerator: timeBase[0], denominator: timeBase[1] },
		pixelFormat: stream.pix_fmt,
		hasAlpha: hasAlpha(stream),
		interlaced: ['tt', 'bb', 'tb', 'bt'].includes(stream.field_order ?? ''),
		colour: {
			matrix: known(stream.color_space),
			range: known(stream.color_range),
			transfer: known(stream.color_transfer),
			primaries: known(stream.color_primaries),
		},
		claimedFrames: claimedFrames !== undefined && claimedFrames > 0 ? claimedFrames : undefined,
		claimedSeconds: stream.duration ?? fileSeconds,
		warnings,
	};
}

function known(value: string | undefined): string | undefined {
	return value === 'unknown' || value === 'unspecified' || value === 'reserved' ? undefined : value;
}

/** VP8 and VP9 keep alpha in a stream of its own, which only a tag tells of. */
function hasAlpha({ pix_fmt, tags }: Stream): boolean {
	if (tags.alpha_mode === '1' || tags.ALPHA_MODE === '1') return true;
	return /^(?:yuva|rgba|argb|bgra|abgr|gbrap|ya8|ya16|pal8|ayuv|vuya)/.test(pix_fmt);
}

function readOrientation({ side_data_list }: Stream) {
	const warnings: string[] = [];
	const data = side_data_list.find(({ displaymatrix, rotation }) => displaymatrix ?? rotation !== undefined);
	// ffprobe's angle is counter-clockwise.
	const clockwise = -(data?.rotation ?? 0);
	if (clockwise % 90 !== 0) {
		warnings.push(`the display rotation of ${clockwise} degrees was taken to the nearest quarter turn`);
	}
	const orientation = parseDisplayMatrix(data?.displaymatrix ?? '') ?? {
		rotation: toQuarterTurn(clockwise),
		mirrored: false,
	};
	return { orientation, warnings };
}
