import { AppError, type RgbImage, type Size } from '@facet/contracts';
import sharp, { type Sharp } from 'sharp';
import { isSrgb } from './colour-profile.ts';

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

interface ProbedPicture {
	readonly info: PictureInfo;
	/** Whether it has a profile that says no more than that it is in sRGB. */
	readonly hasSrgbProfile: boolean;
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
async function probePicture(source: string | Buffer, maxPixels: number): Promise<ProbedPicture> {
	const metadata = await sharp(source, { limitInputPixels: false })
		.metadata()
		.catch((cause: unknown) => {
			throw new AppError('corrupt_media', { detail: 'the picture has no readable header', cause });
		});
	const { width, height } = metadata.autoOrient;
	if (width * height > maxPixels) {
		throw new AppError('too_many_pixels', {
			detail: `expected at most ${maxPixels} pixels, received ${width} x ${height}`,
		});
	}
	return {
		info: { width, height, orientation: metadata.orientation ?? 1 },
		hasSrgbProfile: metadata.space === 'srgb' && metadata.icc !== undefined && isSrgb(metadata.icc),
	};
}

/**
 * Decodes a picture for detection: as a person sees it, in sRGB, alpha over white, the first frame of an animation, and
 * scaled down to fit a square of `maxSide`. Large JPEGs are decoded at a reduced size from the start (shrink-on-load).
 *
 * @throws AppError `corrupt_media`, `too_many_pixels`, `processing_timeout`.
 */
export async function decodeForDetection(
	source: string | Buffer,
	{ maxSide, ...limits }: PictureLimits & { readonly maxSide: number },
): Promise<DecodedPicture> {
	const probed = await probePicture(source, limits.maxPixels);
	const pixels = openPicture(source, { ...limits, ignoreIcc: probed.hasSrgbProfile })
		.resize(maxSide, maxSide, { fit: 'inside', withoutEnlargement: true })
		.raw();
	const { data, info } = await pixels.toBuffer({ resolveWithObject: true }).catch(toPictureError);
	return { ...probed.info, image: { data, width: info.width, height: info.height } };
}

/** A decoding pipeline whose pixels come out upright, opaque, 8-bit sRGB with three channels. */
export function openPicture(
	source: string | Buffer,
	{ maxPixels, timeoutMs, ignoreIcc = false }: PictureLimits & { readonly ignoreIcc?: boolean },
): Sharp {
	// 'error' lets through what decoders merely warn of, such as stray bytes between markers, and stops at missing data.
	return sharp(source, { limitInputPixels: maxPixels, failOn: 'error', sequentialRead: true, ignoreIcc })
		.timeout({ seconds: Math.ceil(timeoutMs / 1000) })
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
