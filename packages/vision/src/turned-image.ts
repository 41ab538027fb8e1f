import {
	type BoundingBox,
	type Detection,
	mapLandmarks,
	type Point,
	type RgbImage,
	type Size,
} from '@facet/contracts';

/** Degrees by which a picture is turned clockwise. */
export type Turn = 90 | 180 | 270;

/** The picture turned clockwise. */
export function turnImage({ data, width, height }: RgbImage, turn: Turn): RgbImage {
	const size = turn === 180 ? { width, height } : { width: height, height: width };
	const turned = new Uint8Array(data.length);
	// Where the picture's first pixel goes, and how far apart its neighbours to the right and below come to lie.
	const row = 3 * size.width;
	const [first, right, down] =
		turn === 180
			? [turned.length - 3, -3, -row]
			: turn === 90
				? [row - 3, row, -3]
				: [turned.length - row, -row, 3];
	for (let y = 0, from = 0; y < height; y++) {
		let to = first + y * down;
		for (let x = 0; x < width; x++, from += 3, to += right) {
			turned[to] = data[from] ?? 0;
			turned[to + 1] = data[from + 1] ?? 0;
			turned[to + 2] = data[from + 2] ?? 0;
		}
	}
	return { data: turned, ...size };
}

/**
 * A face found in a turned picture as a face of the picture itself. Its points keep their names: the left eye is the one
 * that was on the left when the face was upright.
 *
 * @param size - of the picture itself.
 */
export function turnBack<Face extends Detection>(face: Face, turn: Turn, { width, height }: Size): Face {
	const point = ({ x, y }: Point): Point =>
		turn === 180
			? { x: width - x, y: height - y }
			: turn === 90
				? { x: y, y: height - x }
				: { x: width - y, y: x };
	return {
		...face,
		box: boxOf(point(face.box), point({ x: face.box.x + face.box.width, y: face.box.y + face.box.height })),
		landmarks: mapLandmarks(face.landmarks, point),
		...(face.landmarks68 && { landmarks68: face.landmarks68.map(point) }),
	};
}

function boxOf(a: Point, b: Point): BoundingBox {
	return {
		x: Math.min(a.x, b.x),
		y: Math.min(a.y, b.y),
		width: Math.abs(a.x - b.x),
		height: Math.abs(a.y - b.y),
	};
}
