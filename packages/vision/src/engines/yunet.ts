import type { Candidate, EngineKind } from '../engine.ts';
import { type AnchorLevel, hasOutputs, toLandmarks } from './anchor-levels.ts';
import { createSingleLookEngine } from './single-look.ts';

const LARGEST_STRIDE = 32;

/**
 * YuNet (Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 2023), as OpenCV's
 * model zoo and libfacedetection export it: `cls`, `obj`, `bbox` and `kps` of three strides, one anchor a cell.
 * https://github.com/opencv/opencv_zoo/tree/main/models/face_detection_yunet
 */
export const yuNet: EngineKind = {
	kind: 'yunet',
	expects: '6 outputs of scores [N,1], 3 of boxes [N,4] and 3 of key points [N,10]',
	recognises: (network) => hasOutputs(network, { scores: 6, boxes: 3, points: 3 }),
	create: (model, session) =>
		createSingleLookEngine(model, session, {
			decode: decodeYuNet,
			openSize: (picture, largest) => {
				const zoom = Math.min(largest.width / picture.width, largest.height / picture.height);
				return { width: toStrides(picture.width * zoom), height: toStrides(picture.height * zoom) };
			},
		}),
};

/** The least whole number of the largest stride. The epsilon is for sizes that fit but for the last bit. */
function toStrides(side: number): number {
	return Math.max(1, Math.ceil(side / LARGEST_STRIDE - 1e-6)) * LARGEST_STRIDE;
}

/**
 * The cells of a level at or above the threshold. The score is the geometric mean of class and objectness; a box's
 * centre is an offset from its cell's top-left corner, in strides, its sides are given as logarithms of strides. As
 * https://github.com/opencv/opencv/blob/4.x/modules/objdetect/src/face_detect.cpp reads them.
 */
export function decodeYuNet(
	{ stride, columns, scores: [classes, objects], boxes, points }: AnchorLevel,
	scoreThreshold: number,
): Candidate[] {
	if (classes === undefined || objects === undefined) return [];
	const candidates: Candidate[] = [];
	for (let cell = 0; cell < classes.length; cell++) {
		const score = Math.sqrt(toShare(classes[cell]) * toShare(objects[cell]));
		if (!(score >= scoreThreshold)) continue;
		const column = cell % columns;
		const row = Math.floor(cell / columns);
		const width = Math.exp(boxes[4 * cell + 2] ?? 0) * stride;
		const height = Math.exp(boxes[4 * cell + 3] ?? 0) * stride;
		candidates.push({
			score,
			box: {
				x: (column + (boxes[4 * cell] ?? 0)) * stride - width / 2,
				y: (row + (boxes[4 * cell + 1] ?? 0)) * stride - height / 2,
				width,
				height,
			},
			...(points && {
				landmarks: toLandmarks((index) => ({
					x: (column + (points[10 * cell + 2 * index] ?? 0)) * stride,
					y: (row + (points[10 * cell + 2 * index + 1] ?? 0)) * stride,
				})),
			}),
		});
	}
	return candidates;
}

function toShare(value = 0): number {
	return Math.min(1, Math.max(0, value));
}
