import { type BoundingBox, type DetectedFace, roundBox } from '@facet/contracts';

type TrackedFace = Pick<DetectedFace, 'box' | 'trackId'>;

/**
 * What the contract calls `removed`: the regions of the previous analysed frame that this one no longer has, that is a
 * moved face's previous box and a gone face's last. A face that has not moved by a pixel is not among them.
 */
export function removedBoxes(
	previous: readonly TrackedFace[],
	current: readonly TrackedFace[],
): BoundingBox[] {
	const kept = new Set(current.map(placeOf));
	return previous.filter((face) => !kept.has(placeOf(face))).map(({ box }) => box);
}

/** Track and whole-pixel box, as a client sees them. */
function placeOf({ box, trackId }: TrackedFace): string {
	const { x, y, width, height } = roundBox(box);
	return [trackId, x, y, width, height].join(' ');
}
