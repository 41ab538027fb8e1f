import type { Size } from '@facet/contracts';

export type Rotation = 0 | 90 | 180 | 270;

/** How coded pictures become what a person sees: the way ffmpeg's player and browsers do it. */
export interface DisplayGeometry extends Size {
	/** Size before rotation with square pixels; `width` and `height` are those after it. */
	readonly square: Size;
	/** Clockwise rotation that is to be applied, and whether the picture is mirrored left to right before that. */
	readonly rotation: Rotation;
	readonly mirrored: boolean;
}

/** Beyond this a ratio is a mistake in the file; broadcast formats stay within 2. */
const MAX_PIXEL_ASPECT = 8;
/** Less is what scaling to whole pixels leaves behind, and nobody's intent: no standard's pixels are that near to square. */
const MIN_PIXEL_DISTORTION = 0.01;

/**
 * Turns a display matrix as ffprobe prints it (three rows of three 16.16 fixed-point numbers, each after its offset) into
 * a rotation and a mirroring. Angles between are taken to the nearest quarter turn.
 *
 * @returns undefined when the text is no such matrix.
 * Source: ISO 14496-12, 6.2.2; `av_display_rotation_get` of libavutil.
 */
export function parseDisplayMatrix(
	text: string,
): { readonly rotation: Rotation; readonly mirrored: boolean } | undefined {
	const rows = [...text.matchAll(/^[0-9a-f]{8}:\s*(-?\d+)\s+(-?\d+)\s+(-?\d+)/gim)];
	const [a = 0, b = 0, c = 0, d = 0] = rows.slice(0, 2).flatMap((row) => [Number(row[1]), Number(row[2])]);
	const determinant = a * d - b * c;
	if (rows.length !== 3 || determinant === 0) return undefined;
	const mirrored = determinant < 0;
	// A point (x, y) goes to (a x + c y, b x + d y); mirrored left to right before means that x came in negated.
	const clockwise = (Math.atan2(mirrored ? -b : b, mirrored ? -a : a) * 180) / Math.PI;
	return { rotation: toQuarterTurn(clockwise), mirrored };
}

/** The nearest clockwise quarter turn to an angle in degrees. */
export function toQuarterTurn(clockwise: number): Rotation {
	const quarters = ((Math.round(clockwise / 90) % 4) + 4) % 4;
	return ([0, 90, 180, 270] as const)[quarters] ?? 0;
}

/**
 * Size as a person sees it. Pixels that are not square make the picture larger on one side and never smaller on the
 * other, so that nothing of it is lost (HTML, "intrinsic width and height" of a video, says the same).
 *
 * @param pixelAspect - width of a pixel by its height; 1 when unknown.
 */
export function displayGeometry(
	coded: Size,
	pixelAspect: number,
	orientation: { readonly rotation: Rotation; readonly mirrored: boolean },
): DisplayGeometry {
	const plausible = pixelAspect <= MAX_PIXEL_ASPECT && pixelAspect >= 1 / MAX_PIXEL_ASPECT;
	const almostSquare = Math.abs(pixelAspect - 1) < MIN_PIXEL_DISTORTION;
	const aspect = plausible && !almostSquare ? pixelAspect : 1;
	const square = {
		width: Math.max(1, Math.round(coded.width * Math.max(1, aspect))),
		height: Math.max(1, Math.round(coded.height * Math.max(1, 1 / aspect))),
	};
	const turned = orientation.rotation === 90 || orientation.rotation === 270;
	return {
		square,
		width: turned ? square.height : square.width,
		height: turned ? square.width : square.height,
		rotation: orientation.rotation,
		mirrored: orientation.mirrored,
	};
}

/** The largest size of the same shape that fits a square of `maxSide`, never larger than the picture. */
export function fitInside({ width, height }: Size, maxSide: number): Size {
	const scale = Math.min(1, maxSide / Math.max(width, height));
	return {
		width: Math.max(1, Math.round(width * scale)),
		height: Math.max(1, Math.round(height * scale)),
	};
}
