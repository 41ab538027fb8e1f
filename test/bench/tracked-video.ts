import { readFile } from 'node:fs/promises';
import { scaleBox } from '@facet/contracts';
import { openVideo, sniffMedia } from '@facet/media';
import type { FaceAnalyzer, FaceDetector, ObservedFrame } from '@facet/vision';
import type { TrueFace } from './tracking-scoring.ts';

const LIMITS = { maxPixels: 1e8, maxSeconds: 3600, timeoutMs: 600_000 };

/** One frame of a `.gt.json`: `[x, y, width, height]` and a person's number a face. */
interface TrueFrame {
	readonly boxes: readonly (readonly number[])[];
	readonly ids: readonly number[];
	/** The part of each face that can be seen, 0..1. */
	readonly visibility?: readonly number[];
}

/**
 * Reads the ground truth of a video, an entry a frame.
 *
 * @param leastVisible - faces of which less than this can be seen are ignored.
 */
export async function readVideoTruth(path: string, leastVisible: number): Promise<TrueFace[][]> {
	const frames: unknown = JSON.parse(await readFile(path, 'utf8'));
	if (!Array.isArray(frames)) throw new Error(`Expected a list of frames in ${path}`);
	return frames.map((frame: unknown, index) => {
		if (!isTrueFrame(frame)) throw new Error(`Expected {boxes, ids, visibility?} at [${index}] of ${path}`);
		return frame.boxes.map(([x = 0, y = 0, width = 0, height = 0], face) => ({
			id: frame.ids[face] ?? 0,
			box: { x, y, width, height },
			ignored: (frame.visibility?.[face] ?? 1) < leastVisible,
		}));
	});
}

/**
 * Samples a video as a job does, once for each of `counts`, and looks for faces in the frames at the size that the
 * detector takes.
 *
 * @returns the sampled frames of each count; boxes in pixels of the video, everything else in those of the frames that
 * were looked at.
 */
export async function observeVideo(
	path: string,
	counts: readonly number[],
	detector: FaceDetector,
	analyzer: FaceAnalyzer,
): Promise<ReadonlyMap<number, ObservedFrame[]>> {
	const type = await sniffMedia(path);
	if (type.kind !== 'video') throw new Error(`Expected a video at ${path}`);
	const video = await openVideo(path, type, LIMITS);
	const samples = counts.map((count) => [count, video.sample(count)] as const);
	const wanted = new Map(samples.flatMap(([, sample]) => sample.map((ref) => [ref.index, ref])));
	const { width, height } = video.facts;
	const observed = new Map<number, ObservedFrame>();
	for await (const { index, timestampMs, image } of video.frames([...wanted.values()], {
		maxSide: detector.inputSide,
	})) {
		const observations = (await analyzer.analyze(image)).map((face) => ({
			...face,
			box: scaleBox(face.box, width / image.width, height / image.height),
		}));
		observed.set(index, { index, timestampMs, width, height, observations });
	}
	return new Map(
		samples.map(([count, sample]) => [count, sample.flatMap(({ index }) => observed.get(index) ?? [])]),
	);
}

function isTrueFrame(value: unknown): value is TrueFrame {
	if (typeof value !== 'object' || value === null || !('boxes' in value) || !('ids' in value)) return false;
	return Array.isArray(value.boxes) && value.boxes.every(isNumbers) && isNumbers(value.ids);
}

function isNumbers(value: unknown): boolean {
	return Array.isArray(value) && value.every((item) => typeof item === 'number');
}
