import { type Detection, mapLandmarks, type Point, type RgbImage, scaleBox } from '@facet/contracts';
import { decodeForDetection } from '@facet/media/pictures';
import {
	createFaceDetector,
	type DetectionOptions,
	type FaceDetector,
	type FaceDetectorOptions,
} from '@facet/vision';
import type { PhotoDetections } from './evaluation-set.ts';

/** Low enough for the whole precision-recall curve; what is below has next to no precision left. */
const CURVE_SCORE_THRESHOLD = 0.05;

const LIMITS = { maxPixels: 100_000_000, timeoutMs: 60_000 };

/** Milliseconds an image. */
export interface Times {
	readonly median: number;
	readonly mean: number;
}

export interface DetectorRun {
	readonly name: string;
	/** One for each photo. */
	readonly detections: readonly PhotoDetections[];
	readonly decodeMs: Times;
	/** From the file to the faces. */
	readonly totalMs: Times;
	/** Processor time of the same, all threads of the process: what other work on the machine changes little. */
	readonly cpuMs: Times;
}

export interface TimedDetections {
	readonly detections: readonly Detection[];
	readonly decodeMs: number;
	readonly totalMs: number;
	readonly cpuMs: number;
}

/** Runs a detector on photos as a worker's thread does, each twice: as shipped, which is timed, and for the curve. */
export async function runDetector(
	options: FaceDetectorOptions,
	paths: readonly string[],
): Promise<DetectorRun> {
	const detector = await createFaceDetector(options);
	try {
		const [first] = paths;
		// Once without looking at the clock: compilers and allocators warm up.
		if (first !== undefined) await detectPhoto(detector, first);
		const runs: TimedDetections[] = [];
		const detections: PhotoDetections[] = [];
		for (const path of paths) {
			const run = await detectPhoto(detector, path);
			runs.push(run);
			const { detections: unfiltered } = await detectPhoto(detector, path, CURVE_SCORE_THRESHOLD);
			detections.push({ shipped: run.detections, unfiltered });
		}
		return {
			name: detector.name,
			detections,
			decodeMs: summarise(runs.map(({ decodeMs }) => decodeMs)),
			totalMs: summarise(runs.map(({ totalMs }) => totalMs)),
			cpuMs: summarise(runs.map(({ cpuMs }) => cpuMs)),
		};
	} finally {
		await detector.close();
	}
}

/** Looks at a photo as a worker's thread does. Detections are in pixels of the photo itself. */
export async function detectPhoto(
	detector: FaceDetector,
	path: string,
	scoreThreshold?: number,
): Promise<TimedDetections> {
	const startCpu = process.cpuUsage();
	const start = performance.now();
	const { image, source } = await decodePhoto(path, detector.inputSide);
	const decoded = performance.now();
	const detections = await detector.detect(image, { scoreThreshold, source, turns: true });
	const done = performance.now();
	const cpu = process.cpuUsage(startCpu);
	const scale = source.width / image.width;
	return {
		detections: detections.map((detection) => scaleDetection(detection, scale)),
		decodeMs: decoded - start,
		totalMs: done - start,
		cpuMs: (cpu.user + cpu.system) / 1000,
	};
}

export interface DecodedPhoto {
	readonly image: RgbImage;
	readonly source: NonNullable<DetectionOptions['source']>;
}

/** Decodes a photo as a worker's thread does. */
export async function decodePhoto(path: string, maxSide: number): Promise<DecodedPhoto> {
	const decode = (side: number) => decodeForDetection(path, { maxSide: side, ...LIMITS });
	const { image, width, height } = await decode(maxSide);
	const decodeLarger = async (mostPixels: number) => {
		const shrink = Math.min(1, Math.sqrt(mostPixels / (width * height)));
		return (await decode(Math.floor(Math.max(width, height) * shrink))).image;
	};
	return { image, source: { width, height, decode: decodeLarger } };
}

function scaleDetection({ box, score, landmarks }: Detection, scale: number): Detection {
	const point = ({ x, y }: Point) => ({ x: x * scale, y: y * scale });
	return { score, box: scaleBox(box, scale, scale), landmarks: mapLandmarks(landmarks, point) };
}

function summarise(values: readonly number[]): Times {
	const sorted = values.toSorted((a, b) => a - b);
	return {
		median: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN,
		mean: sorted.reduce((total, value) => total + value, 0) / sorted.length,
	};
}
