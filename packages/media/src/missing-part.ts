import type { RgbImage } from '@facet/contracts';

/**
 * How much of a picture may be missing before it is called corrupt. One flipped bit loses a JPEG its last rows, and the
 * faces above them are worth having; a file whose header promises far more than is there is another matter.
 */
export const MOST_MISSING = 0.25;
/** Margins are white or black; what was never decoded is the middle of the scale, in CMYK a little off it. */
const DARKEST = 48;
const LIGHTEST = 208;

/**
 * Whether an image looks as if its file had ended early. What a decoder fills up always is a strip along one side, below the
 * rest before the picture is turned upright, and of one colour to the last bit, which no photograph is. A drawing may be, so
 * this only tells where a stricter look is due.
 *
 * @param fill - what the decoder fills it up with: `mid-tone`, the middle of the scale, as libjpeg does, or `any` colour.
 */
export function mayMissPart({ data, width, height }: RgbImage, fill: 'mid-tone' | 'any'): boolean {
	const right = width - 1;
	const bottom = height - 1;
	// The ends of the four sides: bottom, top, right and left.
	const sides = [
		[pixel(0, bottom), pixel(right, bottom)],
		[pixel(0, 0), pixel(right, 0)],
		[pixel(right, 0), pixel(right, bottom)],
		[pixel(0, 0), pixel(0, bottom)],
	] as const;
	return sides.some(
		([one, other]) =>
			isSame(one, other) && (fill === 'any' || isMidTone(one)) && shareOf(one) >= MOST_MISSING,
	);

	function pixel(x: number, y: number): number {
		return (y * width + x) * 3;
	}

	function isSame(one: number, other: number): boolean {
		return (
			data[one] === data[other] && data[one + 1] === data[other + 1] && data[one + 2] === data[other + 2]
		);
	}

	function isMidTone(at: number): boolean {
		return data.subarray(at, at + 3).every((level) => level >= DARKEST && level <= LIGHTEST);
	}

	function shareOf(colour: number): number {
		let count = 0;
		for (let at = 0; at < data.length; at += 3) if (isSame(at, colour)) count += 1;
		return count / (width * height);
	}
}
