import type { FaceLandmarks, Point } from '@facet/contracts';

/**
 * The contract's six points out of 68 in iBUG order (https://ibug.doc.ic.ac.uk/resources/300-W/), 0-based: eyes 36-41
 * (left in the picture) and 42-47, nose tip 30, mouth corners 48 and 54, inner lips 60-67.
 *
 * @param points - the 68 points; fewer throw a RangeError.
 */
export function toFaceLandmarks(points: readonly Point[]): FaceLandmarks {
	if (points.length !== 68) throw new RangeError(`Expected 68 landmarks but received ${points.length}`);
	const mouthLeft = meanOf(points.slice(48, 49));
	const mouthRight = meanOf(points.slice(54, 55));
	return {
		leftEye: meanOf(points.slice(36, 42)),
		rightEye: meanOf(points.slice(42, 48)),
		nose: meanOf(points.slice(30, 31)),
		mouthCenter: meanOf(points.slice(60, 68)),
		mouthLeft,
		mouthRight,
	};
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
