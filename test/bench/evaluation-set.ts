import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Detection } from '@facet/contracts';
import type { ChartLine } from './curve-chart.ts';
import {
	averagePrecision,
	landmarkError,
	precisionAndRecall,
	precisionRecallCurve,
	type ScoredPhoto,
} from './detection-scoring.ts';
import { discreteRoc, parseEllipseList, rateAt, toFddbOutput } from './fddb.ts';
import { readGroundTruth } from './ground-truth.ts';
import { areaUnder, type CurvePoint, recallAt } from './precision-recall.ts';
import { parseWiderText, readWiderMat, WIDER_SUBSETS, writeWiderPrediction } from './wider-face.ts';
import { widerCurve } from './wider-scoring.ts';

/** What a detector made of a photo, in pixels of the photo. */
export interface PhotoDetections {
	/** At the shipped threshold. */
	readonly shipped: readonly Detection[];
	/** With hardly a threshold, for the curve. */
	readonly unfiltered: readonly Detection[];
}

export interface Evaluation {
	/** By their column of the table. */
	readonly figures: Readonly<Record<string, number>>;
	/** The curve to draw; its label is what tells it from others of the same model. */
	readonly curves: readonly ChartLine[];
}

/** Photos with ground truth, and the protocol that scores what is found in them. */
export interface EvaluationSet {
	/** Paths of the photos. */
	readonly photos: readonly string[];
	readonly faces: number;
	readonly axes: { readonly x: string; readonly y: string };
	/** @param detections - one for each photo. */
	evaluate(detections: readonly PhotoDetections[]): Evaluation;
	/** Writes detections in the format of the protocol's own evaluation, where there is one. */
	writePredictions?(folder: string, detections: readonly PhotoDetections[]): Promise<void>;
}

const PRECISION_RECALL = { x: 'recall', y: 'precision' };

/** Photos with a `gt.json`; faces with a side shorter than `smallestFace` pixels are neither wanted nor wrong. */
export async function openFolder(folder: string, smallestFace: number): Promise<EvaluationSet> {
	const photos = await readGroundTruth(folder, smallestFace);
	return {
		photos: photos.map(({ path }) => path),
		faces: photos.flatMap(({ faces }) => faces).filter((face) => !face.ignored).length,
		axes: PRECISION_RECALL,
		evaluate(detections) {
			const scored = (which: keyof PhotoDetections, ofSize: boolean): ScoredPhoto[] =>
				photos.map(({ faces }, index) => ({
					truth: faces,
					detections: detections[index]?.[which] ?? [],
					...(ofSize ? { smallestFace } : {}),
				}));
			const curve = precisionRecallCurve(scored('unfiltered', true));
			const landmarks = landmarkError(scored('shipped', false));
			const shipped = precisionAndRecall(scored('shipped', true));
			return {
				figures: {
					AP: areaUnder(curve),
					'R@P95': recallAt(curve, 0.95),
					'AP strict': averagePrecision(scored('unfiltered', false)),
					precision: shipped.precision,
					recall: shipped.recall,
					...(landmarks.faces + landmarks.missed === 0
						? {}
						: { NME: landmarks.nme, missed: landmarks.missed }),
				},
				curves: [toLine('', curve)],
			};
		},
	};
}

/**
 * WIDER FACE.
 *
 * @param images - the folder with the folders of events.
 * @param groundTruth - the folder of the official `.mat` files, or the `.txt` file.
 */
export async function openWider(images: string, groundTruth: string): Promise<EvaluationSet> {
	const isText = groundTruth.endsWith('.txt');
	const photos = isText
		? parseWiderText(await readFile(groundTruth, 'utf8'))
		: await readWiderMat(groundTruth);
	const subsets = isText ? (['all'] as const) : WIDER_SUBSETS;
	return {
		photos: photos.map(({ event, name }) => join(images, event, `${name}.jpg`)),
		faces: photos.reduce((sum, { boxes }) => sum + boxes.length, 0),
		axes: PRECISION_RECALL,
		evaluate(detections) {
			const results = photos.map((photo, index) => ({
				...photo,
				detections: detections[index]?.unfiltered ?? [],
			}));
			const curves = subsets.map((subset) => ({ subset, curve: widerCurve(results, subset) }));
			return {
				figures: Object.fromEntries(curves.map(({ subset, curve }) => [subset, areaUnder(curve)])),
				curves: curves.map(({ subset, curve }) => toLine(subset, curve)),
			};
		},
		async writePredictions(folder, detections) {
			for (const [index, photo] of photos.entries()) {
				await writeWiderPrediction(folder, photo, detections[index]?.unfiltered ?? []);
			}
		},
	};
}

/**
 * FDDB, all folds together, as results of it are usually given.
 *
 * @param images - `originalPics`.
 * @param folds - `FDDB-folds`, with the `FDDB-fold-XX-ellipseList.txt`.
 */
export async function openFddb(images: string, folds: string): Promise<EvaluationSet> {
	const lists = (await readdir(folds)).filter((name) => name.endsWith('ellipseList.txt')).sort();
	if (lists.length === 0) throw new Error(`Expected FDDB-fold-XX-ellipseList.txt in ${folds}`);
	const texts = await Promise.all(lists.map((name) => readFile(join(folds, name), 'utf8')));
	const photos = texts.flatMap(parseEllipseList);
	const withDetections = (detections: readonly PhotoDetections[]) =>
		photos.map((photo, index) => ({ ...photo, detections: detections[index]?.unfiltered ?? [] }));
	return {
		photos: photos.map(({ name }) => join(images, `${name}.jpg`)),
		faces: photos.reduce((sum, { faces }) => sum + faces.length, 0),
		axes: { x: 'false positives (of 2000)', y: 'true positive rate' },
		evaluate(detections) {
			const roc = discreteRoc(withDetections(detections));
			return {
				figures: { 'TPR@100': rateAt(roc, 100), 'TPR@1000': rateAt(roc, 1000) },
				curves: [
					{
						label: '',
						points: roc
							.filter(({ falsePositives }) => falsePositives <= 2000)
							.map(({ falsePositives, truePositiveRate }) => ({
								x: falsePositives / 2000,
								y: truePositiveRate,
							})),
					},
				],
			};
		},
		async writePredictions(folder, detections) {
			const outputs = withDetections(detections).map(toFddbOutput).join('');
			await writeFile(join(folder, 'fddb-detections.txt'), outputs);
		},
	};
}

function toLine(label: string, curve: readonly CurvePoint[]): ChartLine {
	return { label, points: curve.map(({ precision, recall }) => ({ x: recall, y: precision })) };
}
