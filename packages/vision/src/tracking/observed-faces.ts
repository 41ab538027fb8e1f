import type { BoundingBox, Point } from '@facet/contracts';
import type { FaceObservation, ObservedFrame } from './observation.ts';

/** Observations made up for tests. */

/** A person's looks: one of 512 directions, so that two persons' cosine is 0. */
function looks(person: number): Float32Array {
	const embedding = new Float32Array(512);
	embedding[person] = 1;
	return embedding;
}

/** Looks with a given cosine to a person's, and 0 to everybody else's below 256. */
export function looksLike(person: number, cosine: number): Float32Array {
	const embedding = new Float32Array(512);
	embedding[person] = cosine;
	embedding[256 + person] = Math.sqrt(1 - cosine * cosine);
	return embedding;
}

interface FaceOptions extends Partial<FaceObservation> {
	readonly x: number;
	readonly y?: number;
	readonly size?: number;
	readonly person: number;
}

/** A sure, frontal face, 80 pixels wide unless `size` says otherwise. */
export function face({ x, y = 200, size = 80, person, ...rest }: FaceOptions): FaceObservation {
	const box: BoundingBox = { x, y, width: size, height: size * 1.25 };
	const point = (right: number, down: number): Point => ({
		x: x + right * box.width,
		y: y + down * box.height,
	});
	return {
		box,
		score: 0.95,
		landmarks: {
			leftEye: point(0.3, 0.4),
			rightEye: point(0.7, 0.4),
			nose: point(0.5, 0.6),
			mouthCenter: point(0.5, 0.8),
			mouthLeft: point(0.35, 0.8),
			mouthRight: point(0.65, 0.8),
		},
		embedding: looks(person),
		clarity: 3,
		sharpness: 0.1,
		frontalness: 0.8,
		...rest,
	};
}

/** A frame of 640 x 480 pixels. */
export function frame(
	index: number,
	timestampMs: number,
	...observations: readonly FaceObservation[]
): ObservedFrame {
	return { index, timestampMs, width: 640, height: 480, observations };
}
