import type { FaceLandmarks, HeadPose, Point } from '@facet/contracts';

/**
 * The mean face in eye distances, from between the eyes: right in the picture, down, towards the camera. Left eye, right
 * eye, nose tip, mouth corners. The shape that explains the annotated landmarks of 154 video faces best, all poses and
 * the shape fitted at once (structure from motion under weak perspective: Tomasi and Kanade, "Shape and motion from
 * image streams under orthography", IJCV 1992), made symmetrical.
 */
const MEAN_FACE: readonly (readonly [number, number, number])[] = [
	[-0.5, 0, 0],
	[0.5, 0, 0],
	[0, 0.577, 0.452],
	[-0.408, 1.056, -0.039],
	[0.408, 1.056, -0.039],
];

const ORIGIN = [0, 0, 0] as const;

const [centreX = 0, centreY = 0, centreZ = 0] = ORIGIN.map(
	(_, axis) => MEAN_FACE.reduce((sum, point) => sum + (point[axis] ?? 0), 0) / MEAN_FACE.length,
);

/** The mean face around its mean. */
const CENTRED_FACE = MEAN_FACE.map(([x, y, z]) => [x - centreX, y - centreY, z - centreZ] as const);

/** Rounds of Gauss and Newton; from the start below three are enough, and the last ones cost nothing. */
const ROUNDS = 8;

/** Keeps the normal equations solvable, and a step small where the points say little. */
const DAMPING = 1e-3;

/** Beyond this a head shows no face, and the fit has gone astray. In radians. */
const MOST_TURN = (85 * Math.PI) / 180;

/** Yaw, pitch and roll in radians; the logarithm of the scale. */
type Fit = readonly [number, number, number, number];

/**
 * Where a head looks: the rotation of a mean 3D face that brings it nearest to the eyes, the nose and the mouth corners
 * (perspective-n-point under weak perspective, as in DeMenthon and Davis, "Model-based object pose in 25 lines of code",
 * IJCV 1995; here by Gauss and Newton, which takes the noise of five points better). Some five degrees off for a face
 * whose proportions are not the mean ones.
 *
 * @returns undefined when the points all coincide.
 */
export function headPoseOf(landmarks: FaceLandmarks): HeadPose | undefined {
	const { leftEye, rightEye, nose, mouthLeft, mouthRight } = landmarks;
	const points = centred([leftEye, rightEye, nose, mouthLeft, mouthRight]);
	if (points === undefined) return undefined;
	// From the line of the eyes and that of the mouth together: the eyes alone may be one point in profile.
	const across = {
		x: rightEye.x - leftEye.x + mouthRight.x - mouthLeft.x,
		y: rightEye.y - leftEye.y + mouthRight.y - mouthLeft.y,
	};
	let fit: Fit = [0, 0, Math.atan2(across.y, across.x), -0.5];
	for (let round = 0; round < ROUNDS; round++) fit = improve(fit, points);
	const [yaw, pitch, roll] = fit;
	return {
		yaw: degrees(yaw),
		pitch: degrees(pitch),
		roll: degrees(Math.atan2(Math.sin(roll), Math.cos(roll))),
	};
}

/** The points around their mean, scaled to a sum of squares of 1. */
function centred(points: readonly Point[]): Point[] | undefined {
	const x = points.reduce((sum, point) => sum + point.x, 0) / points.length;
	const y = points.reduce((sum, point) => sum + point.y, 0) / points.length;
	const spread = Math.sqrt(points.reduce((sum, point) => sum + (point.x - x) ** 2 + (point.y - y) ** 2, 0));
	if (!(spread > 0)) return undefined;
	return points.map((point) => ({ x: (point.x - x) / spread, y: (point.y - y) / spread }));
}

/** One step: the derivatives of the ten coordinates by the four numbers, and the normal equations of them. */
function improve(fit: Fit, points: readonly Point[]): Fit {
	const [yaw, pitch, roll, logScale] = fit;
	const [cy, sy] = [Math.cos(yaw), Math.sin(yaw)];
	const [cp, sp] = [Math.cos(pitch), Math.sin(pitch)];
	const scale = Math.exp(logScale);
	const [cr, sr] = [scale * Math.cos(roll), scale * Math.sin(roll)];
	const normal = new Float64Array(16);
	const right = new Float64Array(4);
	for (let index = 0; index < CENTRED_FACE.length; index++) {
		const [x, y, z] = CENTRED_FACE[index] ?? ORIGIN;
		// Turned about the neck first, then nodded, then tilted. Pitch is up, so that it lowers y of what is in front.
		const turnedX = cy * x + sy * z;
		const turnedZ = cy * z - sy * x;
		const noddedY = cp * y - sp * turnedZ;
		const u = cr * turnedX - sr * noddedY;
		const v = sr * turnedX + cr * noddedY;
		const point = points[index] ?? { x: u, y: v };
		const byPitch = -sp * y - cp * turnedZ;
		const byYaw = sp * turnedX;
		add(normal, right, [cr * turnedZ - sr * byYaw, -sr * byPitch, -v, u], point.x - u);
		add(normal, right, [sr * turnedZ + cr * byYaw, cr * byPitch, u, v], point.y - v);
	}
	for (let i = 0; i < 4; i++) normal[5 * i] = (normal[5 * i] ?? 0) + DAMPING;
	const [stepYaw = 0, stepPitch = 0, stepRoll = 0, stepScale = 0] = solve(normal, right);
	return [limit(yaw + stepYaw), limit(pitch + stepPitch), roll + stepRoll, logScale + stepScale];
}

/** Adds a coordinate to the normal equations: how it changes with each of the four numbers, and what it is off by. */
function add(normal: Float64Array, right: Float64Array, slopes: readonly number[], residual: number): void {
	for (let row = 0; row < 4; row++) {
		const slope = slopes[row] ?? 0;
		right[row] = (right[row] ?? 0) + slope * residual;
		for (let column = 0; column < 4; column++) {
			normal[4 * row + column] = (normal[4 * row + column] ?? 0) + slope * (slopes[column] ?? 0);
		}
	}
}

/** Solves the symmetric positive system of 4 equations by elimination, in place. */
function solve(matrix: Float64Array, right: Float64Array): Float64Array {
	for (let pivot = 0; pivot < 4; pivot++) {
		for (let row = pivot + 1; row < 4; row++) {
			const factor = (matrix[4 * row + pivot] ?? 0) / (matrix[5 * pivot] ?? 1);
			for (let column = pivot; column < 4; column++) {
				matrix[4 * row + column] =
					(matrix[4 * row + column] ?? 0) - factor * (matrix[4 * pivot + column] ?? 0);
			}
			right[row] = (right[row] ?? 0) - factor * (right[pivot] ?? 0);
		}
	}
	for (let row = 3; row >= 0; row--) {
		let sum = right[row] ?? 0;
		for (let column = row + 1; column < 4; column++)
			sum -= (matrix[4 * row + column] ?? 0) * (right[column] ?? 0);
		right[row] = sum / (matrix[5 * row] ?? 1);
	}
	return right;
}

function limit(radians: number): number {
	return Math.min(Math.max(radians, -MOST_TURN), MOST_TURN);
}

/** With one decimal: what is finer is noise. */
function degrees(radians: number): number {
	// No negative zero: it is stored and sent.
	return Math.round((radians * 1800) / Math.PI) / 10 + 0;
}
