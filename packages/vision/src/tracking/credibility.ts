import { predictMotion, startMotion, trustIn } from './box-motion.ts';
import type { ObservedFrame } from './observation.ts';
import type { Trajectory } from './trajectory.ts';

/** How reliably a face must be expected in a frame for its absence there to say something, see `trustIn`. */
const EXPECTED = 0.5;

/**
 * Whether a track shows a face. One of which neither network was ever sure, and which was seen only once, is a chance
 * pattern when it should have been seen in the frame before or after: that one is near in time, and the face was too far
 * from the picture's edge to have come or gone. Where frames are far apart, every face is believed.
 *
 * @param frames - all of them, in their order.
 */
export function isCredible(trajectory: Trajectory, frames: readonly ObservedFrame[]): boolean {
	const [only, second] = trajectory.sightings;
	if (only === undefined || second !== undefined || trajectory.isSure) return true;
	const { frame, observation } = only;
	const at = frames.indexOf(frame);
	if (!isFarFromEdge(observation.box, frame)) return true;
	return ![frames[at - 1], frames[at + 1]].some((neighbour) => {
		if (neighbour === undefined) return false;
		const elapsed = Math.abs(neighbour.timestampMs - frame.timestampMs);
		return trustIn(predictMotion(startMotion(observation.box, 0), elapsed)) > EXPECTED;
	});
}

/** Whether the face is more than its own size away from every edge. */
function isFarFromEdge(
	{ x, y, width, height }: { x: number; y: number; width: number; height: number },
	picture: ObservedFrame,
): boolean {
	return x > width && y > height && x + 2 * width < picture.width && y + 2 * height < picture.height;
}
