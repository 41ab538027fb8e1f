import { AppError, type RgbImage, type Size } from '@facet/contracts';
import sharp, { type Metadata, type Sharp } from 'sharp';
import { hasFirstFrame } from './gif-frame.ts';
import { readJpegHeader } from './jpeg-header.ts';
import { MOST_MISSING, mayMissPart } from './missing-part.ts';
import { type PictureSource, withPicture } from './picture-file.ts';
import { isSrgbProfile } from './srgb-profile.ts';

// One libvips thread a picture: the service's parallelism is its jobs. The cache only costs memory where no picture
// comes twice (lovell/sharp #955).
sharp.concurrency(1);
sharp.cache(false);
// libvips has its own opinion of what a file is: no loader may run but those of the formats in `sniff.ts`, and of the raw
// pixels that we make. Named one by one, since to block all and allow some again would fail other threads' pictures.
sharp.block({
	operation: [
		'VipsForeignLoadSvg',
		'VipsForeignLoadVips',
		'VipsForeignLoadPdf',
		'VipsForeignLoadMagick',
		'VipsForeignLoadMagick7',
		'VipsForeignLoadOpenslide',
		'VipsForeignLoadOpenexr',
		'VipsForeignLoadFits',
		'VipsForeignLoadNifti',
		'VipsForeignLoadMat',
		'VipsForeignLoadMatrix',
		'VipsForeignLoadCsv',
		'VipsForeignLoadAnalyze',
		'VipsForeignLoadPpm',
		'VipsForeignLoadRad',
		'VipsForeignLoadRaw',
		'VipsForeignLoadJxl',
		'VipsForeignLoadJp2k',
		'VipsForeignLoadUhdr',
		'VipsForeignLoadDcRaw',
	],
});

export interface PictureLimits {
	/** Most pixels of the picture, checked on its header before anything is decoded. */
	readonly maxPixels: number;
	/** Limit on decoding. */
	readonly timeoutMs: number;
}

/** What a picture's header says. */
interface PictureInfo extends Size {
	/** EXIF orientation, 1 to 8, that decoding undoes; `width` and `height` are those after it. */
	readonly orientation: number;
}

interface PictureHeader extends PictureInfo {
	/** By sharp's name, such as `jpeg`. */
	readonly format: string | undefined;
	/** Whether its colour profile says no more than that it is sRGB. */
	readonly isSrgb: boolean;
	/** Of a GIF, whether its rows are not stored from top to bottom, but coarse ones first. */
	readonly isInterlaced: boolean;
}

/**
 * 'error' lets through what decoders merely warn of, such as stray bytes between markers, and stops where the file ends too
 * early.
 */
type FailOn = 'error' | 'warning';

interface DetectionDecoding extends PictureLimits {
	/** Side of the square that the picture is scaled down to fit, in pixels. */
	readonly maxSide: number;
}

export interface DecodedPicture extends PictureInfo {
	/** The picture, scaled down to fit where that was asked for. */
	readonly image: RgbImage;
}

/**
 * Reads a picture's header.
 *
 * @throws AppError `corrupt_media`, `too_many_pixels`.
 */
async function probePicture(picture: PictureSource, maxPixels: number): Promise<PictureHeader> {
	const header = probeJpeg(picture.head) ?? (await probeByLibvips(picture.input));
	const { width, height } = header;
	if (width * height > maxPixels) {
		throw new AppError('too_many_pixels', {
			detail: `expected at most ${maxPixels} pixels, received ${width} x ${height}`,
		});
	}
	return header;
}

/** @returns undefined unless it is an ordinary JPEG. */
function probeJpeg(head: Buffer): PictureHeader | undefined {
	const header = readJpegHeader(head);
	if (header === undefined) return undefined;
	const { width, height, orientation, icc } = header;
	const isSrgb = icc !== undefined && isSrgbProfile(icc);
	const isOnSide = orientation >= 5;
	const size = isOnSide ? { width: height, height: width } : { width, height };
	return { ...size, orientation, format: 'jpeg', isSrgb, isInterlaced: false };
}

/** Rejects where sharp throws at once, as it does of no bytes at all. */
async function readMetadata(input: string | Buffer): Promise<Metadata> {
	return sharp(input, { limitInputPixels: false }).metadata();
}

async function probeByLibvips(input: string | Buffer): Promise<PictureHeader> {
	const metadata = await readMetadata(input).catch((cause: unknown) => {
		throw new AppError('corrupt_media', { detail: 'the picture has no readable header', cause });
	});
	const { width, height } = metadata.autoOrient;
	const isSrgb = metadata.icc !== undefined && isSrgbProfile(metadata.icc);
	const { format, orientation = 1, isProgressive: isInterlaced = false } = metadata;
	return { width, height, orientation, format, isSrgb, isInterlaced };
}

/**
 * Decodes a picture for detection: as a person sees it, in sRGB, alpha over white, the first frame of an animation, and
 * scaled down to fit a square of `maxSide`. Large JPEGs are decoded at a reduced size from the start (shrink-on-load).
 *
 * @throws AppError `corrupt_media`, `too_many_pixels`, `processing_timeout`.
 */
export async function decodeForDetection(
	source: string | Buffer,
	options: DetectionDecoding,
): Promise<DecodedPicture> {
	return withPicture(source, (picture) => decodePicture(picture, options));
}

async function decodePicture(
	picture: PictureSource,
	{ maxSide, ...limits }: DetectionDecoding,
): Promise<DecodedPicture> {
	const { format, isSrgb, isInterlaced, ...info } = await probePicture(picture, limits.maxPixels);
	const decode = (failOn: FailOn) =>
		pixelsOf(picture, limits, { isSrgb, failOn })
			.resize(maxSide, maxSide, { fit: 'inside', withoutEnlargement: true })
			.raw()
			.toBuffer({ resolveWithObject: true });
	const { data, info: decoded } = await decode('error').catch(toPictureError);
	const image = { data, width: decoded.width, height: decoded.height };
	switch (format) {
		// Of a JPEG that ends before the size in its header is full, libjpeg only warns.
		case 'jpeg':
			if (mayMissPart(image, 'mid-tone')) await decode('warning').catch(refuseFor(/premature end of data/i));
			break;
		// As libtiff does of tiles that are not there.
		case 'tiff':
			if (mayMissPart(image, 'any')) await decode('warning').catch(refuseFor(/invalid tile byte count/i));
			break;
		// As libvips does not even do of a frame whose data end early.
		case 'gif':
			if ((isInterlaced || mayMissPart(image, 'any')) && !hasFirstFrame(picture.input, 1 - MOST_MISSING)) {
				throw missingPart();
			}
	}
	return { ...info, image };
}

/** What refuses a picture if this is what its decoder warns of. */
function refuseFor(warning: RegExp): (cause: unknown) => void {
	return (cause) => {
		if (cause instanceof Error && warning.test(cause.message)) throw missingPart(cause);
	};
}

function missingPart(cause?: Error): AppError {
	return new AppError('corrupt_media', {
		detail: 'a quarter of the picture or more is missing: its header promises more than the file has',
		cause,
	});
}

/**
 * Reads a picture's header and prepares its decoding.
 *
 * @returns a pipeline whose pixels come out upright, opaque, 8-bit sRGB with three channels.
 * @throws AppError `corrupt_media`, `too_many_pixels`.
 */
export async function openPicture(picture: PictureSource, limits: PictureLimits): Promise<Sharp> {
	const { isSrgb } = await probePicture(picture, limits.maxPixels);
	return pixelsOf(picture, limits, { isSrgb, failOn: 'error' });
}

/** As of `openPicture`, for a picture whose header is known. */
function pixelsOf(
	{ input }: PictureSource,
	limits: PictureLimits,
	{ isSrgb, failOn }: { readonly isSrgb: boolean; readonly failOn: FailOn },
): Sharp {
	const options = { limitInputPixels: limits.maxPixels, failOn, sequentialRead: true, ignoreIcc: isSrgb };
	return sharp(input, options)
		.timeout({ seconds: Math.ceil(limits.timeoutMs / 1000) })
		.autoOrient()
		.flatten({ background: '#ffffff' })
		.toColourspace('srgb');
}

export function toPictureError(cause: unknown): never {
	if (cause instanceof Error && /timeout/i.test(cause.message)) {
		throw new AppError('processing_timeout', { detail: 'decoding the picture took too long', cause });
	}
	throw new AppError('corrupt_media', { detail: 'the picture could not be decoded', cause });
}
