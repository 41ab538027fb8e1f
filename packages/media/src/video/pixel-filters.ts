import type { Size } from '@facet/contracts';
import type { FfmpegFeatures } from './ffmpeg-features.ts';
import type { VideoHeader } from './probe-video.ts';
import type { ColourDescription } from './stream-description.ts';

/** Good where pictures shrink; exact, so that the same frame gives the same bytes on each run. */
const SCALER = 'lanczos+accurate_rnd+full_chroma_int';

/** White of SDR is 100 cd/m², and the brightest that is kept apart of HDR is 1000 cd/m²: ten times that. */
const TONE_MAPPING = 'tonemap=tonemap=hable:desat=0:peak=10';

/**
 * Filters that turn a decoded frame into upright, square, 8-bit pixels of a given size.
 *
 * None of them looks at another frame, so that a frame comes out the same whatever was decoded before it; of an
 * interlaced one the upper field is taken and its lines are interpolated.
 *
 * @param size - of the upright picture.
 */
export function pixelFilters(header: VideoHeader, size: Size, features: FfmpegFeatures): string[] {
	const { rotation } = header.geometry;
	const turned = rotation === 90 || rotation === 270;
	const width = turned ? size.height : size.width;
	const height = turned ? size.width : size.height;
	const scale = `scale=w=${width}:h=${height}:flags=${SCALER}`;
	return [
		...(header.interlaced ? ['field=type=top'] : []),
		...(needsColourConversion(header, features)
			? [scale, ...toStandardColours(header)]
			: [`${scale}${inputMatrix(header)}:out_range=pc`]),
		`format=${outputFormat(header)}`,
		...(header.geometry.mirrored ? ['hflip'] : []),
		...turn(header),
	];
}

/** Raw format of the frames: alpha stays, to be laid over white by whoever reads them. */
export function outputFormat({ hasAlpha }: VideoHeader): 'rgba' | 'rgb24' {
	return hasAlpha ? 'rgba' : 'rgb24';
}

/** High dynamic range: SMPTE ST 2084 (PQ) and ARIB STD-B67 (HLG). */
export function isHighDynamicRange({ transfer }: ColourDescription): boolean {
	return transfer === 'smpte2084' || transfer === 'arib-std-b67';
}

function needsColourConversion(
	{ colour, pixelFormat }: VideoHeader,
	{ toneMapping }: FfmpegFeatures,
): boolean {
	const wide = isHighDynamicRange(colour) || colour.primaries === 'bt2020';
	return wide && toneMapping && !isRgb(pixelFormat);
}

function toStandardColours({ colour }: VideoHeader): string[] {
	const transfer = colour.transfer?.startsWith('bt2020') ? 'bt709' : (colour.transfer ?? 'bt709');
	const primaries = colour.primaries ?? 'bt2020';
	const matrix = colour.matrix ?? 'bt2020nc';
	const range = colour.range === 'pc' ? 'full' : 'limited';
	return [
		// zscale takes subsampled chroma of even sizes only.
		'format=yuv444p12le',
		`zscale=tin=${transfer}:pin=${primaries}:min=${matrix}:rin=${range}:t=linear:npl=100`,
		'format=gbrpf32le',
		'zscale=p=bt709',
		...(isHighDynamicRange(colour) ? [TONE_MAPPING] : []),
		'zscale=t=bt709:r=full',
		'format=gbrp',
	];
}

/** Unmarked pictures of the size of high definition are BT.709, smaller ones BT.601, as players take them. */
function inputMatrix({ colour, coded, pixelFormat }: VideoHeader): string {
	if (isRgb(pixelFormat)) return '';
	switch (colour.matrix) {
		case 'bt709':
		case 'smpte170m':
		case 'smpte240m':
		case 'fcc':
			return `:in_color_matrix=${colour.matrix}`;
		case 'bt470bg':
			return ':in_color_matrix=smpte170m';
		case 'bt2020nc':
		case 'bt2020c':
			return ':in_color_matrix=bt2020';
		default: {
			const large = coded.width >= 1280 || coded.height >= 720;
			return `:in_color_matrix=${large ? 'bt709' : 'smpte170m'}`;
		}
	}
}

function isRgb(pixelFormat: string): boolean {
	return /^(?:0?rgb|0?bgr|argb|abgr|gbr|pal8|gray|ya|mono)/.test(pixelFormat);
}

function turn({ geometry }: VideoHeader): string[] {
	switch (geometry.rotation) {
		case 90:
			return ['transpose=clock'];
		case 180:
			return ['hflip', 'vflip'];
		case 270:
			return ['transpose=cclock'];
		default:
			return [];
	}
}
