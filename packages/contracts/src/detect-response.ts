import type { DetectResult, FrameResult } from './detect-result.ts';
import type { AppError, ErrorRecord } from './errors.ts';
import type { Detection } from './face.ts';
import { type BoundingBox, type Point, roundBox } from './geometry.ts';

/** `[x, y, width, height]`, whole pixels. */
export type WireBox = [number, number, number, number];
/** `[x, y]`, whole pixels. */
export type WirePoint = [number, number];

/** The contract's `FaceFrameData`: parallel arrays, one entry a face, in one order. */
export interface WireFrame {
	/** Left eye, right eye, nose, mouth centre, left and right mouth corner of each face. */
	landmarks: WirePoint[][];
	/** The first four of these points as `x1,y1:x2,y2:x3,y3:x4,y4`. */
	landmarks_str: string[];
	region: WireBox[];
	removed: WireBox[];
	/** Seconds since the first frame; null for a photo. */
	frame_time: number | null;
	face_urls: (string | null)[] | null;
	crop_region: WireBox[] | null;
	crop_landmarks: string[] | null;
}

export type FacesObj = Record<string, WireFrame>;

export interface DetectSuccess {
	error_code: 0;
	error_msg: 'SUCCESS';
	faces_obj: FacesObj;
}

export interface DetectFailure {
	error_code: 1;
	error_msg: string;
	faces_obj: Record<string, never>;
	error: ErrorRecord & { retryable: boolean; job_id?: string | undefined };
}

/**
 * The answer of `POST /detect_faces` for a stored result.
 *
 * @param urlOf - the link that a client can fetch the crop with this object key from.
 */
export async function toDetectSuccess(
	result: DetectResult,
	urlOf: (key: string) => Promise<string>,
): Promise<DetectSuccess> {
	const frames = await Promise.all(
		result.frames.map(
			async (frame) =>
				[String(frame.index), await toWireFrame(frame, result.options.returnFaceUrl, urlOf)] as const,
		),
	);
	return { error_code: 0, error_msg: 'SUCCESS', faces_obj: Object.fromEntries(frames) };
}

export function toDetectFailure(error: AppError, jobId?: string): DetectFailure {
	return {
		error_code: 1,
		error_msg: error.publicMessage,
		faces_obj: {},
		// JSON leaves out what is undefined.
		error: { code: error.code, retryable: error.retryable, detail: error.detail, job_id: jobId },
	};
}

async function toWireFrame(
	frame: FrameResult,
	returnFaceUrl: boolean,
	urlOf: (key: string) => Promise<string>,
): Promise<WireFrame> {
	const { faces } = frame;
	const wire: WireFrame = {
		landmarks: faces.map((face) => contractPoints(face).map(toWirePoint)),
		landmarks_str: faces.map((face) => toLandmarksString(face)),
		region: faces.map((face) => toWireBox(face.box)),
		removed: frame.removed.map(toWireBox),
		// Three decimals at most: a millisecond is finer than any frame rate, and floats print without noise.
		frame_time: frame.timestampMs === null ? null : Math.round(frame.timestampMs) / 1000,
		face_urls: null,
		crop_region: null,
		crop_landmarks: null,
	};
	if (!returnFaceUrl) return wire;
	return {
		...wire,
		face_urls: await Promise.all(faces.map(({ crop }) => (crop?.key ? urlOf(crop.key) : null))),
		crop_region: faces.map((face) => toWireBox(face.crop?.region ?? face.box)),
		crop_landmarks: faces.map((face) => toLandmarksString(face, face.crop?.region ?? face.box)),
	};
}

/** The six points in the contract's order. */
function contractPoints({ landmarks }: Detection): Point[] {
	const { leftEye, rightEye, nose, mouthCenter, mouthLeft, mouthRight } = landmarks;
	return [leftEye, rightEye, nose, mouthCenter, mouthLeft, mouthRight];
}

/** Landmarks are rounded before the origin is taken off, so that `crop_landmarks` + origin = `landmarks_str` exactly. */
function toLandmarksString(face: Detection, origin: Point = { x: 0, y: 0 }): string {
	return contractPoints(face)
		.slice(0, 4)
		.map(toWirePoint)
		.map(([x, y]) => `${x - Math.round(origin.x)},${y - Math.round(origin.y)}`)
		.join(':');
}

export function toWirePoint({ x, y }: Point): WirePoint {
	return [Math.round(x), Math.round(y)];
}

export function toWireBox(box: BoundingBox): WireBox {
	const { x, y, width, height } = roundBox(box);
	return [x, y, width, height];
}
