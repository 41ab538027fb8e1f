import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
	createFaceAnalyzer,
	createFaceDetector,
	type FaceAnalyzer,
	type FaceDetector,
	type ObservedFrame,
	trackFaces,
} from '@facet/vision';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { observeVideo, readVideoTruth } from '../bench/tracked-video.ts';
import { scoreTracking, type TrueFace } from '../bench/tracking-scoring.ts';
import { renderClip } from '../support/clip-renderer.ts';
import { TRACKING_CLIPS } from '../support/tracking-clips.ts';

/** Numbers of frames, and the least IDF1 that a job with so many must reach. */
const BARS = [
	{ numFrames: 5, idf1: 0.9 },
	{ numFrames: 10, idf1: 0.9 },
	{ numFrames: 25, idf1: 0.95 },
];

/** Faces of which less than half can be seen are neither wanted nor wrong. */
const LEAST_VISIBLE = 0.5;

let folder: string;
let detector: FaceDetector;
let analyzer: FaceAnalyzer;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'facet-tracking-'));
	const modelsDir = fileURLToPath(new URL('../../models', import.meta.url));
	detector = await createFaceDetector({ modelsDir, model: 'ultraface' });
	analyzer = await createFaceAnalyzer(detector, modelsDir);
});

afterAll(async () => {
	await analyzer?.close();
	await detector?.close();
	await rm(folder, { recursive: true, force: true });
});

describe.each(TRACKING_CLIPS)('$name', (clip) => {
	let truth: TrueFace[][];
	let samples: ReadonlyMap<number, ObservedFrame[]>;

	beforeAll(async () => {
		const path = await renderClip(clip, folder);
		truth = await readVideoTruth(join(folder, `${clip.name}.gt.json`), LEAST_VISIBLE);
		const counts = BARS.map(({ numFrames }) => numFrames);
		samples = await observeVideo(path, counts, detector, analyzer);
	});

	test.each(BARS)('$numFrames frames: IDF1 of at least $idf1', ({ numFrames, idf1 }) => {
		const sample = samples.get(numFrames) ?? [];
		expect(sample).toHaveLength(numFrames);
		const { frames, persons } = trackFaces(sample, { strongScore: detector.scoreThreshold });
		const score = scoreTracking(
			frames.map(({ index, faces }) => ({
				truth: truth[index] ?? [],
				found: faces.map(({ trackId, box }) => ({ id: trackId, box })),
			})),
		);
		expect(score.idf1).toBeGreaterThanOrEqual(idf1);
		expect(persons).toHaveLength(score.persons);
	});
});
