import type { Candidate, EngineKind } from '../engine.ts';
import { type AnchorLevel, hasOutputs, toLandmarks } from './anchor-levels.ts';
import { createSingleLookEngine } from './single-look.ts';

/**
 * SCRFD (Guo et al., "Sample and Computation Redistribution for Efficient Face Detection", ICLR 2022), as InsightFace
 * exports it: scores with the sigmoid in the network, three strides or five, one anchor a cell or two, with key points
 * or without. https://github.com/deepinsight/insightface/tree/master/detection/scrfd
 */
export const scrfd: EngineKind = {
	kind: 'scrfd',
	expects: '3 or 5 outputs each of scores [N,1], boxes [N,4] and, where it has them, key points [N,10]',
	recognises: (network) =>
		[3, 5].some((strides) =>
			[strides, 0].some((points) => hasOutputs(network, { scores: strides, boxes: strides, points })),
		),
	create: (model, session) =>
		createSingleLookEngine(model, session, {
			decode: decodeScrfd,
			// The files that leave the size open still state their outputs for this one: others make the runtime complain.
			openSize: (_, largest) => largest,
		}),
};

/**
 * The anchors of a level at or above the threshold. An anchor sits in the top-left corner of its cell; its box is the
 * distances from there to the left, top, right and bottom edge, its points are offsets from there, all in strides.
 */
export function decodeScrfd(
	{ stride, columns, anchors, scores: [scores = new Float32Array()], boxes, points }: AnchorLevel,
	scoreThreshold: number,
): Candidate[] {
	const candidates: Candidate[] = [];
	for (let anchor = 0; anchor < scores.length; anchor++) {
		const score = scores[anchor] ?? 0;
		if (!(score >= scoreThreshold)) continue;
		const cell = Math.floor(anchor / anchors);
		const anchorX = cell % columns;
		const anchorY = Math.floor(cell / columns);
		const distance = (edge: number) => boxes[4 * anchor + edge] ?? 0;
		candidates.push({
			score: Math.min(1, score),
			box: {
				x: (anchorX - distance(0)) * stride,
				y: (anchorY - distance(1)) * stride,
				width: (distance(0) + distance(2)) * stride,
				height: (distance(1) + distance(3)) * stride,
			},
			...(points && {
				landmarks: toLandmarks((index) => ({
					x: (anchorX + (points[10 * anchor + 2 * index] ?? 0)) * stride,
					y: (anchorY + (points[10 * anchor + 2 * index + 1] ?? 0)) * stride,
				})),
			}),
		});
	}
	return candidates;
}
