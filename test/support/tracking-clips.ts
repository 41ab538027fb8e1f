import type { Point } from '@facet/contracts';
import type { Clip, Cutout, Shot } from './clip-renderer.ts';
import type { FacePhotoName } from './face-photos.ts';

/** What a tracker has to cope with, one clip each. */
export const TRACKING_CLIPS: readonly Clip[] = [
	{ name: 'pan', fps: 25, scene: { shots: pan() } },
	{ name: 'cuts', fps: 25, scene: { shots: cuts() } },
	{ name: 'crossing', fps: 25, scene: { cutouts: crossing(), frames: 150 } },
	{ name: 'fast-pan', fps: 25, scene: { shots: fastPan() } },
	{ name: 'no-face', fps: 25, scene: { shots: noFace() } },
	{ name: 'gaps', fps: 2, scene: { shots: gaps() } },
];

/** Over four people and back, stopping at both ends. */
function pan(): Shot[] {
	const start = { x: 0, y: 220 };
	const end = { x: 960, y: 200 };
	const base = { photo: 'sample6', width: 1920 } as const;
	return [
		{ ...base, frames: 20, from: start, to: start },
		{ ...base, frames: 70, from: start, to: end },
		{ ...base, frames: 20, from: end, to: end },
		{ ...base, frames: 70, from: end, to: start },
	];
}

/** A B A C B, at another distance the second time. */
function cuts(): Shot[] {
	const shot = (photo: FacePhotoName, width: number, from: Point, to: Point): Shot => ({
		photo,
		width,
		frames: 50,
		from,
		to,
	});
	return [
		shot('sample3', 1200, { x: 150, y: 40 }, { x: 180, y: 52 }),
		shot('sample5', 960, { x: 0, y: 40 }, { x: 0, y: 47 }),
		shot('sample3', 990, { x: 0, y: 40 }, { x: 30, y: 30 }),
		shot('sample6', 1000, { x: 0, y: 50 }, { x: 40, y: 62 }),
		shot('sample5', 1300, { x: 180, y: 30 }, { x: 210, y: 30 }),
	];
}

/** Two people walk past each other, one in front. */
function crossing(): Cutout[] {
	return [
		{
			photo: 'sample3',
			part: { x: 1000, y: 120, width: 370, height: 440 },
			width: 300,
			from: { x: 20, y: 120 },
			to: { x: 640, y: 100 },
		},
		{
			photo: 'sample5',
			part: { x: 1040, y: 120, width: 290, height: 400 },
			width: 300,
			from: { x: 640, y: 130 },
			to: { x: 20, y: 150 },
		},
	];
}

/** Six sweeps of a second each. */
function fastPan(): Shot[] {
	const left = { x: 40, y: 20 };
	const right = { x: 760, y: 60 };
	const sweep = (from: Point, to: Point): Shot => ({ photo: 'sample4', width: 1728, frames: 25, from, to });
	return [0, 1, 2].flatMap(() => [sweep(left, right), sweep(right, left)]);
}

/** Below the faces. */
function noFace(): Shot[] {
	return [{ photo: 'sample1', width: 1920, frames: 75, from: { x: 100, y: 735 }, to: { x: 850, y: 735 } }];
}

/** Ten seconds of people, ten without, and so on; where they come back the camera stands elsewhere. */
function gaps(): Shot[] {
	const nobody: Shot = {
		photo: 'sample1',
		width: 1920,
		frames: 20,
		from: { x: 400, y: 735 },
		to: { x: 440, y: 735 },
	};
	const people = (photo: FacePhotoName, width: number, x: number, y: number): Shot => ({
		photo,
		width,
		frames: 20,
		from: { x, y },
		to: { x: x + 40, y },
	});
	return [
		people('sample6', 1200, 80, 90),
		nobody,
		people('sample5', 1000, 0, 60),
		nobody,
		people('sample6', 1100, 20, 80),
		nobody,
		people('sample5', 1300, 200, 20),
	];
}
