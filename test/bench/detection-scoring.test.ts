import type { Detection } from '@facet/contracts';
import { describe, expect, test } from 'vitest';
import {
	averagePrecision,
	type FivePoints,
	landmarkError,
	precisionAndRecall,
	type TrueFace,
} from './detection-scoring.ts';

function face(x: number, ignored = false): TrueFace {
	return { box: { x, y: 0, width: 10, height: 10 }, ignored };
}

function detection(x: number, score: number): Detection {
	const point = { x, y: 0 };
	return {
		box: { x, y: 0, width: 10, height: 10 },
		score,
		landmarks: {
			leftEye: point,
			rightEye: point,
			nose: point,
			mouthCenter: point,
			mouthLeft: point,
			mouthRight: point,
		},
	};
}

describe('averagePrecision', () => {
	test('is 1 when everything is found and nothing else', () => {
		expect(averagePrecision([{ truth: [face(0)], detections: [detection(1, 0.9)] }])).toBe(1);
	});

	test('false alarms cost only what is found after them', () => {
		const truth = [face(0), face(100)];
		const detections = [detection(0, 0.9), detection(50, 0.8), detection(100, 0.7), detection(200, 0.6)];
		// Recall 0.5 at precision 1, then recall 1 at precision 2/3.
		expect(averagePrecision([{ truth, detections }])).toBeCloseTo(0.5 + 0.5 * (2 / 3));
	});

	test('a second detection of a face is a false alarm', () => {
		const detections = [detection(0, 0.9), detection(1, 0.95)];
		expect(precisionAndRecall([{ truth: [face(0)], detections }])).toEqual({ precision: 0.5, recall: 1 });
	});

	test('photos are ranked together', () => {
		const clean = { truth: [face(0)], detections: [detection(0, 0.5)] };
		const noisy = { truth: [], detections: [detection(0, 0.9)] };
		expect(averagePrecision([clean, noisy])).toBeCloseTo(0.5);
	});

	test('ignored faces count neither as missed nor, when found, as false alarms', () => {
		const truth = [face(0), face(100, true), face(200, true)];
		const detections = [detection(0, 0.5), detection(100, 0.9)];
		expect(precisionAndRecall([{ truth, detections }])).toEqual({ precision: 1, recall: 1 });
	});

	test('what is smaller than the smallest face, and nothing that is drawn, does not count', () => {
		const detections = [detection(0, 0.5), detection(100, 0.9)];
		const photo = { truth: [face(0)], detections };
		expect(precisionAndRecall([{ ...photo, smallestFace: 11 }])).toEqual({ precision: 1, recall: 1 });
		expect(precisionAndRecall([{ ...photo, smallestFace: 10 }])).toEqual({ precision: 0.5, recall: 1 });
	});

	test('too little overlap is no match', () => {
		const { precision, recall } = precisionAndRecall([{ truth: [face(0)], detections: [detection(4, 0.9)] }]);
		expect([precision, recall]).toEqual([0, 0]);
	});
});

describe('landmarkError', () => {
	const point = (x: number) => ({ x, y: 0 });
	const landmarks: FivePoints = [point(0), point(10), point(0), point(0), point(0)];

	test('is the mean distance over five points, in eye distances', () => {
		const truth = [{ ...face(0), landmarks }];
		// Only the right eye is off, by one eye distance.
		expect(landmarkError([{ truth, detections: [detection(0, 0.9)] }])).toEqual({
			nme: 0.2,
			faces: 1,
			missed: 0,
		});
	});

	test('faces that were not found are counted, not averaged', () => {
		const truth = [
			{ ...face(0), landmarks },
			{ ...face(500), landmarks },
		];
		expect(landmarkError([{ truth, detections: [detection(0, 0.9)] }])).toMatchObject({
			faces: 1,
			missed: 1,
		});
	});
});
