import type { FaceLandmarks, HeadPose } from '@facet/contracts';
import { describe, expect, test } from 'vitest';
import { headPoseOf } from './face-pose.ts';

const RADIANS = Math.PI / 180;

/** A head of eye distance 60, turned, nodded and tilted, seen from far away. */
function landmarksOf({ yaw, pitch, roll }: HeadPose): FaceLandmarks {
	const place = (x: number, y: number, z: number) => {
		const turnedX = Math.cos(yaw * RADIANS) * x + Math.sin(yaw * RADIANS) * z;
		const turnedZ = Math.cos(yaw * RADIANS) * z - Math.sin(yaw * RADIANS) * x;
		const noddedY = Math.cos(pitch * RADIANS) * y - Math.sin(pitch * RADIANS) * turnedZ;
		const [c, s] = [Math.cos(roll * RADIANS), Math.sin(roll * RADIANS)];
		return { x: 300 + 60 * (c * turnedX - s * noddedY), y: 200 + 60 * (s * turnedX + c * noddedY) };
	};
	return {
		leftEye: place(-0.5, 0, 0),
		rightEye: place(0.5, 0, 0),
		nose: place(0, 0.577, 0.452),
		mouthCenter: place(0, 1.056, -0.039),
		mouthLeft: place(-0.408, 1.056, -0.039),
		mouthRight: place(0.408, 1.056, -0.039),
	};
}

describe('headPoseOf', () => {
	test.each([
		{ yaw: 0, pitch: 0, roll: 0 },
		{ yaw: 35, pitch: 0, roll: 0 },
		{ yaw: -60, pitch: 10, roll: 5 },
		{ yaw: 0, pitch: 25, roll: 0 },
		{ yaw: 20, pitch: -30, roll: -45 },
		{ yaw: 10, pitch: 5, roll: 90 },
		{ yaw: -15, pitch: 0, roll: 175 },
	])('finds yaw $yaw, pitch $pitch, roll $roll', (pose) => {
		const found = headPoseOf(landmarksOf(pose));
		expect(found?.yaw).toBeCloseTo(pose.yaw, 0);
		expect(found?.pitch).toBeCloseTo(pose.pitch, 0);
		expect(found?.roll).toBeCloseTo(pose.roll, 0);
	});

	test('a profile is a large turn and no nonsense', () => {
		const landmarks = landmarksOf({ yaw: 0, pitch: 0, roll: 0 });
		const profile = { ...landmarks, nose: { x: 345, y: 235 }, leftEye: { x: 318, y: 200 } };
		const pose = headPoseOf(profile);
		expect(pose?.yaw).toBeGreaterThan(45);
		expect(Math.abs(pose?.roll ?? 180)).toBeLessThan(30);
	});

	test('points that all coincide have no pose', () => {
		const point = { x: 5, y: 5 };
		const landmarks = { leftEye: point, rightEye: point, nose: point };
		expect(
			headPoseOf({ ...landmarks, mouthCenter: point, mouthLeft: point, mouthRight: point }),
		).toBeUndefined();
	});
});
