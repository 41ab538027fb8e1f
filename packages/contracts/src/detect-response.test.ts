import { describe, expect, it } from 'vitest';
import { toDetectFailure, toDetectSuccess } from './detect-response.ts';
import type { DetectedFace, DetectResult } from './detect-result.ts';
import { AppError } from './errors.ts';

/** The face of the documentation's example. */
const documented: DetectedFace = {
	box: { x: 80, y: 50, width: 150, height: 180 },
	score: 0.99,
	landmarks: {
		leftEye: { x: 120, y: 85 },
		rightEye: { x: 180, y: 88 },
		nose: { x: 150, y: 130 },
		mouthCenter: { x: 150, y: 165 },
		mouthLeft: { x: 125, y: 165 },
		mouthRight: { x: 175, y: 168 },
	},
	crop: { region: { x: 30, y: 0, width: 250, height: 280 }, key: 'faces/job/0-0.jpg' },
	trackId: null,
};

function resultWith(
	faces: DetectedFace[],
	returnFaceUrl: boolean,
	timestampMs: number | null = null,
): DetectResult {
	return {
		options: { numFrames: 5, returnFaceUrl, singleFace: false },
		media: { kind: 'image', format: 'jpeg', width: 640, height: 480, orientation: 1, bytes: 1 },
		model: 'test',
		frames: [{ index: 0, timestampMs, faces, removed: [] }],
		persons: [],
		timings: { fetch: 0, decode: 0, detect: 0, crop: 0, upload: 0 },
	};
}

const urlOf = async (key: string) => `https://s3.example.com/${key}`;

describe('toDetectSuccess', () => {
	it('gives the documented answer with crops', async () => {
		expect(await toDetectSuccess(resultWith([documented], true), urlOf)).toEqual({
			error_code: 0,
			error_msg: 'SUCCESS',
			faces_obj: {
				'0': {
					landmarks: [
						[
							[120, 85],
							[180, 88],
							[150, 130],
							[150, 165],
							[125, 165],
							[175, 168],
						],
					],
					landmarks_str: ['120,85:180,88:150,130:150,165'],
					region: [[80, 50, 150, 180]],
					removed: [],
					frame_time: null,
					face_urls: ['https://s3.example.com/faces/job/0-0.jpg'],
					crop_region: [[30, 0, 250, 280]],
					crop_landmarks: ['90,85:150,88:120,130:120,165'],
				},
			},
		});
	});

	it('gives null for the crops that were not asked for', async () => {
		const { faces_obj } = await toDetectSuccess(resultWith([{ ...documented, crop: null }], false), urlOf);
		expect(faces_obj['0']).toMatchObject({ face_urls: null, crop_region: null, crop_landmarks: null });
	});

	it('gives null in the place of a crop that could not be stored', async () => {
		const lost = { ...documented, crop: { region: { x: 30, y: 0, width: 250, height: 280 }, key: null } };
		const { faces_obj } = await toDetectSuccess(resultWith([lost, documented], true), urlOf);
		expect(faces_obj['0']?.face_urls).toEqual([null, 'https://s3.example.com/faces/job/0-0.jpg']);
		expect(faces_obj['0']?.crop_region).toHaveLength(2);
	});

	it('gives times in seconds with three decimals at most', async () => {
		const { faces_obj } = await toDetectSuccess(resultWith([], false, 1234.5678), urlOf);
		expect(faces_obj['0']?.frame_time).toBe(1.235);
	});

	it('rounds the edges of a box, and keeps crop landmarks in step with the rounded ones', async () => {
		const face: DetectedFace = {
			...documented,
			box: { x: 10.6, y: 10.4, width: 20, height: 20.3 },
			landmarks: { ...documented.landmarks, leftEye: { x: 12.5, y: 14.49 } },
			crop: { region: { x: 4, y: 3, width: 34, height: 35 }, key: null },
		};
		const { faces_obj } = await toDetectSuccess(resultWith([face], true), urlOf);
		expect(faces_obj['0']?.region).toEqual([[11, 10, 20, 21]]);
		expect(faces_obj['0']?.landmarks_str[0]).toMatch(/^13,14:/);
		expect(faces_obj['0']?.crop_landmarks?.[0]).toMatch(/^9,11:/);
	});
});

describe('toDetectFailure', () => {
	it('tells the code and never the cause', () => {
		const error = new AppError('internal', { cause: new Error('password is hunter2') });
		expect(toDetectFailure(error, 'job')).toEqual({
			error_code: 1,
			error_msg: 'Failed to process media',
			faces_obj: {},
			error: { code: 'internal', retryable: true, detail: undefined, job_id: 'job' },
		});
	});
});
