import { open } from 'node:fs/promises';
import { AppError } from '@facet/contracts';
import { fileTypeFromFile } from 'file-type';
import { HEAD_BYTES } from './receive-file.ts';
import { isTransportStream } from './transport-stream.ts';

export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'avif' | 'gif' | 'tiff' | 'bmp';

export type VideoFormat =
	| 'mp4'
	| 'mov'
	| '3gp'
	| 'matroska'
	| 'webm'
	| 'avi'
	| 'ogg'
	| 'mpegts'
	| 'mpeg'
	| 'flv'
	| 'asf';

export interface VideoType {
	readonly kind: 'video';
	readonly format: VideoFormat;
	/** ffmpeg's name of the one demuxer that may read the file, so that it never guesses a playlist. */
	readonly demuxer: string;
}

/** What the bytes of a file say it is. The name of the file and the headers that it came with are not asked. */
export type MediaType = { readonly kind: 'image'; readonly format: ImageFormat } | VideoType;

const IMAGE_FORMATS: Readonly<Record<string, ImageFormat>> = {
	'image/jpeg': 'jpeg',
	'image/png': 'png',
	'image/apng': 'png',
	'image/webp': 'webp',
	'image/avif': 'avif',
	'image/gif': 'gif',
	'image/tiff': 'tiff',
	'image/bmp': 'bmp',
};

/** Containers of video. Those that often hold audio alone are here too: only their streams tell. */
const VIDEO_FORMATS: Readonly<Record<string, VideoFormat>> = {
	'video/mp4': 'mp4',
	'video/x-m4v': 'mp4',
	'audio/mp4': 'mp4',
	'audio/x-m4a': 'mp4',
	'video/quicktime': 'mov',
	'video/3gpp': '3gp',
	'video/3gpp2': '3gp',
	'video/matroska': 'matroska',
	'video/x-matroska': 'matroska',
	'audio/matroska': 'matroska',
	'video/webm': 'webm',
	'audio/webm': 'webm',
	'video/vnd.avi': 'avi',
	'video/x-msvideo': 'avi',
	'video/ogg': 'ogg',
	'audio/ogg': 'ogg',
	'application/ogg': 'ogg',
	'video/mp2t': 'mpegts',
	'video/mp1s': 'mpeg',
	'video/mp2p': 'mpeg',
	'video/x-flv': 'flv',
	'application/vnd.ms-asf': 'asf',
	'video/x-ms-asf': 'asf',
	'audio/x-ms-asf': 'asf',
};

const DEMUXERS: Readonly<Record<VideoFormat, string>> = {
	mp4: 'mov',
	mov: 'mov',
	'3gp': 'mov',
	matroska: 'matroska',
	webm: 'matroska',
	avi: 'avi',
	ogg: 'ogg',
	mpegts: 'mpegts',
	mpeg: 'mpeg',
	flv: 'flv',
	asf: 'asf',
};

const EXPECTED =
	'expected a JPEG, PNG, WebP, AVIF, GIF, TIFF or BMP photo or an MP4, MOV, MKV, WebM, AVI, OGV, MPEG, FLV or WMV video';

/**
 * Tells the type of a file by its content.
 *
 * @param knownHead - its first 4,096 bytes, if they are at hand; read by default.
 * @throws AppError `unsupported_format`, saying what the file is where that is known; `no_video_stream` for audio;
 * `corrupt_media` for an empty file.
 */
export async function sniffMedia(path: string, knownHead?: Buffer): Promise<MediaType> {
	const head = knownHead ?? (await readHead(path));
	if (head.length === 0) throw new AppError('corrupt_media', { detail: 'the file is empty' });
	// Of the most frequent format, the first bytes are all that there is to see.
	if (isJpeg(head)) return { kind: 'image', format: 'jpeg' };
	// file-type throws when the file ends in the middle of a structure that it reads.
	const type = await fileTypeFromFile(path).catch(() => undefined);
	const format = IMAGE_FORMATS[type?.mime ?? ''] ?? (isAvif(head) ? 'avif' : undefined);
	if (format) return { kind: 'image', format };
	const video = videoFormat(type?.mime, head);
	if (video) return { kind: 'video', format: video, demuxer: DEMUXERS[video] };
	if (type?.mime.startsWith('audio/')) {
		throw new AppError('no_video_stream', { detail: `expected a photo or a video, received ${type.mime}` });
	}
	throw new AppError('unsupported_format', { detail: `${EXPECTED}, received ${describe(type?.mime, head)}` });
}

async function readHead(path: string): Promise<Buffer> {
	const file = await open(path);
	try {
		const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
		return buffer.subarray(0, bytesRead);
	} finally {
		await file.close();
	}
}

/** A start of image and another marker, which is not that of JPEG-LS (ITU-T T.87, C.1.1). */
function isJpeg(head: Buffer): boolean {
	return head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff && head[3] !== 0xf7;
}

function videoFormat(mime: string | undefined, head: Buffer): VideoFormat | undefined {
	// Parameters follow the type of some: `audio/ogg; codecs=opus`.
	const known = VIDEO_FORMATS[mime?.toLowerCase().split(';')[0] ?? ''];
	// Two bytes decide there, and a text may have them too.
	if (known === 'mpegts' && !isTransportStream(head)) return undefined;
	if (known) return known;
	// What file-type knows by a stronger sign than a sync word stays that.
	const isWeak =
		mime === undefined || mime === 'audio/mpeg' || mime === 'audio/aac' || mime.startsWith('video/');
	if (!isWeak) return undefined;
	if (isIsoMedia(head)) return 'mp4';
	const signature = SIGNATURES.find(([pattern]) => pattern.test(head.toString('hex', 0, 16)));
	return signature?.[1] ?? (isTransportStream(head) ? 'mpegts' : undefined);
}

/** file-type reads on after these to tell more, and gives up where a file ends too early or is damaged. */
const SIGNATURES: readonly (readonly [RegExp, VideoFormat])[] = [
	[/^1a45dfa3/, 'matroska'],
	[/^52494646.{8}41564920/, 'avi'],
	[/^4f676753/, 'ogg'],
	[/^464c5601/, 'flv'],
	[/^3026b2758e66cf11/, 'asf'],
];

/** A brand that file-type does not know is still the ISO base media format, unless it is one of the HEIF pictures. */
function isIsoMedia(head: Buffer): boolean {
	if (head.toString('latin1', 4, 8) !== 'ftyp') return false;
	return !/^(?:mif|msf|hei|hev|avi)/.test(head.toString('latin1', 8, 12));
}

/** AVIF files may carry the general brand `mif1` and name `avif` only among the compatible ones (ISO 23008-12, 10.2). */
function isAvif(head: Buffer): boolean {
	if (head.length < 16 || head.toString('latin1', 4, 8) !== 'ftyp') return false;
	const brands = head.toString('latin1', 8, Math.min(head.readUInt32BE(0), head.length));
	return /^(?:.{4})*?(?:avif|avis)/s.test(brands);
}

function describe(mime: string | undefined, head: Buffer): string {
	if (mime === 'image/heic' || mime === 'image/heif' || mime?.endsWith('-sequence')) {
		return 'HEIC, which needs to be converted first';
	}
	if (mime?.startsWith('video/') && mime !== 'video/mp2t') return `a video that is not supported (${mime})`;
	if (/^\s*#EXTM3U/.test(head.toString('latin1'))) return 'a playlist, which only points to media';
	const text = head.toString('latin1');
	if (/<svg[\s>]/i.test(text)) return 'SVG, which is a drawing and not a photo';
	if (mime === 'application/pdf') return 'PDF, which is a document and not a photo';
	if (/^\s*(?:<!doctype html|<html)/i.test(text)) return 'an HTML page';
	return mime === undefined || mime === 'video/mp2t' ? 'bytes of no known format' : mime;
}
