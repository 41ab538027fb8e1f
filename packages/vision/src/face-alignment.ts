import type { FaceLandmarks, Point, RgbImage } from '@facet/contracts';

/** Side in pixels of the square that the template below is drawn in. */
const TEMPLATE_SIDE = 112;

/**
 * Where ArcFace networks expect the eyes, the nose tip and the mouth corners, left as seen in the picture, in pixels of
 * a 112 x 112 square. Source: `arcface_dst` of InsightFace
 * (https://github.com/deepinsight/insightface/blob/master/python-package/insightface/utils/face_align.py); Deng et al.,
 * "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", CVPR 2019.
 */
const TEMPLATE: readonly Point[] = [
	{ x: 38.2946, y: 51.6963 },
	{ x: 73.5318, y: 51.5014 },
	{ x: 56.0252, y: 71.7366 },
	{ x: 41.5493, y: 92.3655 },
	{ x: 70.7299, y: 92.2041 },
];

/**
 * A rotation, a uniform scale and a shift: (x, y) goes to (a·x − b·y + shiftX, b·x + a·y + shiftY). Never a reflection.
 */
export interface Similarity {
	readonly a: number;
	readonly b: number;
	readonly shiftX: number;
	readonly shiftY: number;
}

/**
 * The similarity that brings `from` nearest to `to` in the least-squares sense. In the plane, and without reflection,
 * the solution of Umeyama ("Least-squares estimation of transformation parameters between two point patterns", PAMI
 * 1991) has this closed form.
 *
 * @returns undefined when all points of `from` coincide.
 */
export function fitSimilarity(from: readonly Point[], to: readonly Point[]): Similarity | undefined {
	const source = meanOf(from);
	const target = meanOf(to);
	let spread = 0;
	let along = 0;
	let across = 0;
	for (const [index, point] of from.entries()) {
		const x = point.x - source.x;
		const y = point.y - source.y;
		const u = (to[index]?.x ?? target.x) - target.x;
		const v = (to[index]?.y ?? target.y) - target.y;
		spread += x * x + y * y;
		along += x * u + y * v;
		across += x * v - y * u;
	}
	if (spread === 0 || (along === 0 && across === 0)) return undefined;
	const a = along / spread;
	const b = across / spread;
	return {
		a,
		b,
		shiftX: target.x - a * source.x + b * source.y,
		shiftY: target.y - b * source.x - a * source.y,
	};
}

/** The five points of the template, in its order. */
function alignmentPoints({ leftEye, rightEye, nose, mouthLeft, mouthRight }: FaceLandmarks): Point[] {
	return [leftEye, rightEye, nose, mouthLeft, mouthRight];
}

/**
 * Cuts a face out so that its landmarks lie on the ArcFace template: a `side` x `side` picture, upright whatever the
 * head's roll. What lies outside `image` is black, as in the networks' training data.
 *
 * @returns undefined when the landmarks all coincide, so that there is nothing to align.
 */
export function alignFace(image: RgbImage, landmarks: FaceLandmarks, side: number): RgbImage | undefined {
	const toImage = fitSimilarity(
		TEMPLATE.map(({ x, y }) => ({ x: (x * side) / TEMPLATE_SIDE, y: (y * side) / TEMPLATE_SIDE })),
		alignmentPoints(landmarks),
	);
	return toImage === undefined ? undefined : warp(image, toImage, side);
}

/**
 * Samples `image` at the grid that `toImage` maps a square to. Where the square is smaller than what it shows, each
 * pixel is the mean of a grid of bilinear samples about one source pixel apart: plain bilinear sampling would skip
 * pixels, and aliasing costs the embedding.
 */
function warp(image: RgbImage, { a, b, shiftX, shiftY }: Similarity, side: number): RgbImage {
	const data = new Uint8Array(side * side * 3);
	const samples = Math.max(1, Math.ceil(Math.hypot(a, b) - 0.25));
	const sum = new Float32Array(3);
	for (let y = 0, out = 0; y < side; y++) {
		for (let x = 0; x < side; x++, out += 3) {
			sum.fill(0);
			for (let i = 0; i < samples; i++) {
				const v = y - 0.5 + (i + 0.5) / samples;
				for (let j = 0; j < samples; j++) {
					const u = x - 0.5 + (j + 0.5) / samples;
					addSample(image, a * u - b * v + shiftX, b * u + a * v + shiftY, sum);
				}
			}
			const count = samples * samples;
			data[out] = Math.round((sum[0] ?? 0) / count);
			data[out + 1] = Math.round((sum[1] ?? 0) / count);
			data[out + 2] = Math.round((sum[2] ?? 0) / count);
		}
	}
	return { data, width: side, height: side };
}

/** Adds the bilinear sample at (x, y), pixel centres at whole coordinates, to `sum`. */
function addSample({ data, width, height }: RgbImage, x: number, y: number, sum: Float32Array): void {
	const left = Math.floor(x);
	const top = Math.floor(y);
	const right = x - left;
	const down = y - top;
	for (let corner = 0; corner < 4; corner++) {
		const column = left + (corner & 1);
		const row = top + (corner >> 1);
		if (column < 0 || row < 0 || column >= width || row >= height) continue;
		const weight = ((corner & 1) === 1 ? right : 1 - right) * (corner >> 1 === 1 ? down : 1 - down);
		const at = (row * width + column) * 3;
		sum[0] = (sum[0] ?? 0) + weight * (data[at] ?? 0);
		sum[1] = (sum[1] ?? 0) + weight * (data[at + 1] ?? 0);
		sum[2] = (sum[2] ?? 0) + weight * (data[at + 2] ?? 0);
	}
}

function meanOf(points: readonly Point[]): Point {
	let x = 0;
	let y = 0;
	for (const point of points) {
		x += point.x;
		y += point.y;
	}
	return { x: x / points.length, y: y / points.length };
}
