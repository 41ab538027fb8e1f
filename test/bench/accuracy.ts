import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Detection, mapLandmarks, type Point, scaleBox } from '@facet/contracts';
import { decodeForDetection } from '@facet/media';
import { createFaceDetector } from '@facet/vision';
import {
	averagePrecision,
	landmarkError,
	precisionAndRecall,
	type ScoredPhoto,
} from './detection-scoring.ts';
import { readGroundTruth } from './ground-truth.ts';

/**
 * Accuracy and time of a detector on a folder of photos with a `gt.json`, one thread:
 * `npm run bench:accuracy -- DIR [--model NAME] [--json FILE]`.
 */

const USAGE =
	'npm run bench:accuracy -- DIR [--model NAME] [--models-dir DIR] [--smallest-face PX] [--json FILE]';

/** Low enough for the whole precision-recall curve; what is below has next to no precision left. */
const CURVE_SCORE_THRESHOLD = 0.05;

const DECODE_LIMITS = { maxPixels: 100_000_000, timeoutMs: 60_000 };

interface TimedDetections {
	readonly detections: readonly Detection[];
	readonly decodeMs: number;
	readonly totalMs: number;
}

const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		model: { type: 'string', default: process.env.DETECTOR_MODEL ?? 'ultraface' },
		'models-dir': { type: 'string', default: process.env.MODELS_DIR ?? 'models' },
		'smallest-face': { type: 'string', default: '16' },
		json: { type: 'string' },
	},
});
const [folder] = positionals;
if (folder === undefined) throw new Error(`Expected a folder of photos with a gt.json. Usage: ${USAGE}`);
const photos = await readGroundTruth(resolve(folder), Number(values['smallest-face']));
const detectorOptions = { modelsDir: resolve(values['models-dir']), model: values.model };

const detector = await createFaceDetector(detectorOptions);
const runs: TimedDetections[] = [];
const shippedPhotos: ScoredPhoto[] = [];
const unfilteredPhotos: ScoredPhoto[] = [];
const [firstPhoto] = photos;
// Once without looking at the clock: compilers and allocators warm up.
if (firstPhoto !== undefined) await detectPhoto(firstPhoto.path);
for (const { path, faces } of photos) {
	// Twice: as shipped, which is timed, and with hardly a threshold, for the curve.
	const run = await detectPhoto(path);
	runs.push(run);
	shippedPhotos.push({ truth: faces, detections: run.detections });
	const { detections } = await detectPhoto(path, CURVE_SCORE_THRESHOLD);
	unfilteredPhotos.push({ truth: faces, detections });
}
await detector.close();

const landmarks = landmarkError(shippedPhotos);
const report = {
	model: detector.name,
	photos: photos.length,
	faces: photos.flatMap(({ faces }) => faces).filter((face) => !face.ignored).length,
	averagePrecision: averagePrecision(unfilteredPhotos),
	...precisionAndRecall(shippedPhotos),
	...(landmarks.faces + landmarks.missed === 0 ? {} : { landmarks }),
	decodeMs: summarise(runs.map(({ decodeMs }) => decodeMs)),
	totalMs: summarise(runs.map(({ totalMs }) => totalMs)),
};
print();
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(report, null, '\t')}\n`);

/** Detections in pixels of the photo itself. */
async function detectPhoto(path: string, scoreThreshold?: number): Promise<TimedDetections> {
	const start = performance.now();
	const { image, width } = await decodeForDetection(path, { maxSide: detector.inputSide, ...DECODE_LIMITS });
	const decoded = performance.now();
	const detections = await detector.detect(image, { scoreThreshold, turns: true });
	const done = performance.now();
	const scale = width / image.width;
	return {
		detections: detections.map((detection) => scaleDetection(detection, scale)),
		decodeMs: decoded - start,
		totalMs: done - start,
	};
}

function scaleDetection({ box, score, landmarks }: Detection, scale: number): Detection {
	const point = ({ x, y }: Point) => ({ x: x * scale, y: y * scale });
	return { score, box: scaleBox(box, scale, scale), landmarks: mapLandmarks(landmarks, point) };
}

function summarise(values: readonly number[]): { median: number; mean: number } {
	const sorted = values.toSorted((a, b) => a - b);
	return {
		median: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN,
		mean: sorted.reduce((total, value) => total + value, 0) / sorted.length,
	};
}

function print(): void {
	const { averagePrecision, precision, recall, decodeMs, totalMs } = report;
	console.log(`${report.model}: ${report.photos} photos, ${report.faces} faces`);
	console.log(`  average precision  ${averagePrecision.toFixed(4)}  at IoU 0.5`);
	console.log(`  precision          ${precision.toFixed(4)}  at the shipped threshold`);
	console.log(`  recall             ${recall.toFixed(4)}  at the shipped threshold`);
	if (report.landmarks !== undefined) {
		const { nme, faces, missed } = report.landmarks;
		console.log(
			`  landmark NME       ${nme.toFixed(4)}  five points / eye distance; ${faces} faces, ${missed} missed`,
		);
	}
	console.log(`  decoding           ${milliseconds(decodeMs)}`);
	console.log(`  in all             ${milliseconds(totalMs)}`);
}

function milliseconds({ median, mean }: { median: number; mean: number }): string {
	return `${median.toFixed(1)} ms median, ${mean.toFixed(1)} ms mean an image`;
}
