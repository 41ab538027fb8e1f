import type { BoundingBox, Point, RgbImage } from '@facet/contracts';
import type { Model } from './model-registry.ts';
import { openSession, outputOf } from './onnx-session.ts';
import { resampleRegion } from './resample.ts';

/** Finds 68 landmarks in iBUG order inside a face box. */
export interface LandmarkNetwork {
	/** @param box - a face, in pixels of `image`. @returns 68 points in pixels of `image`. */
	locate(image: RgbImage, box: BoundingBox): Promise<Point[]>;
	close(): Promise<void>;
}

/**
 * Loads the landmark network: a grey square around the face in, 68 points relative to that square out (`output`,
 * x and y alternating, 0..1).
 */
export async function createLandmarkNetwork(model: Model): Promise<LandmarkNetwork> {
	const session = await openSession(model.path);
	const side = model.input.width;
	const shape = [1, 1, side, side];

	return {
		async locate(image, box) {
			const square = squareAround(box);
			const grey = greySquare(image, square, side, model.normalisation);
			const output = outputOf(await session.run(grey, shape), 'output');
			return toPoints(output, square);
		},
		close: () => session.close(),
	};
}

/** The square with the box's centre and its longer side. */
function squareAround(box: BoundingBox): BoundingBox {
	const side = Math.max(box.width, box.height);
	return {
		x: box.x + (box.width - side) / 2,
		y: box.y + (box.height - side) / 2,
		width: side,
		height: side,
	};
}

function greySquare(
	image: RgbImage,
	square: BoundingBox,
	side: number,
	normalisation: Model['normalisation'],
): Float32Array {
	const size = side * side;
	const planes = new Float32Array(3 * size);
	resampleRegion(image, square, {
		planes,
		planeWidth: side,
		planeHeight: side,
		width: side,
		height: side,
		...normalisation,
	});
	const red = planes.subarray(0, size);
	const green = planes.subarray(size, 2 * size);
	const blue = planes.subarray(2 * size);
	// ITU-R BT.601 luma, what cv2.cvtColor gave the network in training.
	return red.map((value, index) => 0.299 * value + 0.587 * (green[index] ?? 0) + 0.114 * (blue[index] ?? 0));
}

function toPoints(output: Float32Array, square: BoundingBox): Point[] {
	const points: Point[] = [];
	for (let index = 0; index + 1 < output.length; index += 2) {
		const [x = 0, y = 0] = output.subarray(index, index + 2);
		points.push({ x: square.x + x * square.width, y: square.y + y * square.height });
	}
	return points;
}
