import { clipBox, type Detection, mapLandmarks, type Point, type Size, scaleBox } from '@facet/contracts';

/**
 * Faces found in a scaled picture as faces of the full one, boxes clipped to it. Boxes of which nothing is left are
 * dropped. Coordinates keep two decimals: what is finer is noise, and the result store pays for each digit.
 */
export function toSourcePixels<Face extends Detection>(
	faces: readonly Face[],
	scaled: Size,
	source: Size,
): Face[] {
	const scaleX = source.width / scaled.width;
	const scaleY = source.height / scaled.height;
	const point = ({ x, y }: Point): Point => ({ x: hundredths(x * scaleX), y: hundredths(y * scaleY) });
	return faces.flatMap((face) => {
		const { box, score, landmarks, landmarks68 } = face;
		const clipped = clipBox(scaleBox(box, scaleX, scaleY), source);
		if (clipped.width < 1 || clipped.height < 1) return [];
		return {
			...face,
			box: {
				x: hundredths(clipped.x),
				y: hundredths(clipped.y),
				width: hundredths(clipped.width),
				height: hundredths(clipped.height),
			},
			score: Math.round(score * 1e4) / 1e4,
			landmarks: mapLandmarks(landmarks, point),
			...(landmarks68 ? { landmarks68: landmarks68.map(point) } : {}),
		};
	});
}

function hundredths(value: number): number {
	return Math.round(value * 100) / 100;
}
