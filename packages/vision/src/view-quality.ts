import type { BoundingBox, HeadPose, RgbImage } from '@facet/contracts';
import { varianceOfLaplacian } from './face-quality.ts';
import { resampleRegion } from './resample.ts';

/** Most samples a side that a face is judged by. */
const MOST_SAMPLES = 64;
const FEWEST_SAMPLES = 12;

/** Side in pixels from which a face is large enough: what recognition networks take. */
const LARGE = 112;

/**
 * Sharpness from which a face is sharp enough. Three of four faces in photographs have it; blurred by a fiftieth of
 * their width, one of ten has.
 */
const SHARP = 0.15;

/** Mean luma between which a face is well lit, and those at which nothing is left of it. */
const LIGHT = { dark: 20, dim: 70, bright: 200, blown: 245 };

/** Turn and nod in degrees at which nothing is left of a face. */
const PROFILE = 90;

/** No single fault makes a face worthless. */
const LEAST_FACTOR = 0.05;

/** What pixels say of a face. */
interface Look {
	/** Variance of the Laplacian over that of the luma: 0.15 to 1 for a sharp face, 0.01 for a blurred one. */
	readonly sharpness: number;
	/** Mean luma, 0..255. */
	readonly brightness: number;
}

export interface FaceView {
	readonly image: RgbImage;
	/** The face, in pixels of `image`. */
	readonly box: BoundingBox;
	readonly pose: HeadPose | undefined;
	/** Pixels of the picture that a pixel of `image` stands for, along a side. */
	readonly scale: number;
}

/**
 * How well a picture shows a face, 0..1: the geometric mean of four numbers of 0.05..1.
 *
 * - size: the shorter side of the box in pixels of the picture, over 112;
 * - sharpness: the variance of the Laplacian (Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR
 *   2000) over that of the luma, so that contrast does not count; the root of it over 0.15;
 * - brightness: 1 for a mean luma of 70 to 200, falling to 0 at 20 and 245;
 * - frontalness: 1 for a face into the camera, falling to 0 at 90 degrees of yaw and pitch together. Roll does not count.
 *
 * A face of which the pose is unknown counts as a profile.
 */
export function viewQuality({ image, box, pose, scale }: FaceView): number {
	const { sharpness, brightness } = lookAt(image, box);
	const turn = pose === undefined ? PROFILE : Math.hypot(pose.yaw, pose.pitch);
	const factors = [
		(Math.min(box.width, box.height) * scale) / LARGE,
		Math.sqrt(sharpness / SHARP),
		lightness(brightness),
		1 - turn / PROFILE,
	];
	const product = factors.reduce((total, factor) => total * Math.min(1, Math.max(LEAST_FACTOR, factor)), 1);
	return Math.round(product ** (1 / factors.length) * 1000) / 1000;
}

/** Looks at the middle of the box, without hair and background, at no more than its own resolution. */
export function lookAt(image: RgbImage, { x, y, width, height }: BoundingBox): Look {
	const inner = { x: x + width * 0.15, y: y + height * 0.2, width: width * 0.7, height: height * 0.7 };
	const samples = Math.min(
		MOST_SAMPLES,
		Math.max(FEWEST_SAMPLES, Math.round(Math.min(inner.width, inner.height))),
	);
	const size = samples * samples;
	const planes = new Float32Array(3 * size);
	resampleRegion(image, inner, {
		planes,
		planeWidth: samples,
		planeHeight: samples,
		width: samples,
		height: samples,
		mean: 0,
		scale: 1,
	});
	const luma = new Float32Array(size);
	let total = 0;
	for (let i = 0; i < size; i++) {
		// ITU-R BT.601.
		const value =
			0.299 * (planes[i] ?? 0) + 0.587 * (planes[i + size] ?? 0) + 0.114 * (planes[i + 2 * size] ?? 0);
		luma[i] = value;
		total += value;
	}
	return {
		sharpness: varianceOfLaplacian(luma, samples, samples),
		brightness: total / size,
	};
}

function lightness(brightness: number): number {
	const { dark, dim, bright, blown } = LIGHT;
	return Math.min((brightness - dark) / (dim - dark), (blown - brightness) / (blown - bright));
}
