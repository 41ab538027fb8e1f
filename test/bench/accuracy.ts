import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { curveChart } from './curve-chart.ts';
import { type DetectionCost, measureCost } from './detection-cost.ts';
import { type Evaluation, type EvaluationSet, openFddb, openFolder, openWider } from './evaluation-set.ts';
import { printTable } from './print-table.ts';
import { runDetector, type Times } from './run-detector.ts';
import { median } from './suite/statistics.ts';

/**
 * Accuracy and time of detectors, one thread, on a folder of photos with a `gt.json`, on WIDER FACE or on FDDB:
 * `npm run bench:accuracy -- DIR [--models ultraface,scrfd_500m,PATH.onnx] [--json FILE] [--svg FILE]`. With
 * `--cost ROUNDS` what the whole detector costs beside its plain look, instead.
 */

const USAGE = [
	'npm run bench:accuracy -- DIR [--models A,B] [--models-dir DIR] [--json FILE] [--svg FILE] [--smallest-face PX]',
	'npm run bench:accuracy -- DIR --cost ROUNDS [--models A,B] [--models-dir DIR] [--json FILE]',
	'npm run bench:accuracy -- WIDER_val/images --protocol wider --ground-truth MAT-FOLDER|TXT [--predictions DIR] …',
	'npm run bench:accuracy -- originalPics --protocol fddb --ground-truth FDDB-folds [--predictions DIR] …',
].join('\n       ');

interface Report extends Evaluation {
	readonly model: string;
	readonly decodeMs: Times;
	readonly totalMs: Times;
	readonly cpuMs: Times;
}

const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		models: { type: 'string', default: process.env.DETECTOR_MODEL ?? 'ultraface' },
		/** As `models`. */
		model: { type: 'string' },
		'models-dir': { type: 'string', default: process.env.MODELS_DIR ?? 'models' },
		protocol: { type: 'string', default: 'folder' },
		'ground-truth': { type: 'string' },
		predictions: { type: 'string' },
		'smallest-face': { type: 'string', default: '16' },
		/** How many rounds. */
		cost: { type: 'string' },
		json: { type: 'string' },
		svg: { type: 'string' },
	},
});

const set = await openSet();
const models = (values.model ?? values.models).split(',');
const modelsDir = resolve(values['models-dir']);
if (values.cost === undefined) await reportAccuracy();
else await reportCost(Number(values.cost));

async function reportAccuracy(): Promise<void> {
	const reports: Report[] = [];
	for (const model of models) {
		const run = await runDetector({ modelsDir, model }, set.photos);
		const { decodeMs, totalMs, cpuMs } = run;
		reports.push({ model: run.name, ...set.evaluate(run.detections), decodeMs, totalMs, cpuMs });
		if (values.predictions !== undefined) {
			const folder = join(values.predictions, run.name);
			await mkdir(folder, { recursive: true });
			await set.writePredictions?.(folder, run.detections);
		}
	}
	printAccuracy(reports);
	await writeJson(reports.map(({ curves, ...report }) => report));
	if (values.svg !== undefined) {
		const lines = reports.flatMap(({ model, curves }) =>
			curves.map(({ label, points }) => ({ label: `${model} ${label}`.trim(), points })),
		);
		await writeFile(values.svg, curveChart(basename(resolve(positionals[0] ?? '')), set.axes, lines));
	}
}

async function reportCost(rounds: number): Promise<void> {
	if (!Number.isInteger(rounds) || rounds < 1) {
		throw new RangeError(`Expected a number of rounds for --cost but received ${values.cost}`);
	}
	const costs: DetectionCost[] = [];
	for (const model of models) costs.push(await measureCost({ modelsDir, model }, set.photos, rounds));
	printCosts(costs, rounds);
	await writeJson(costs);
}

async function writeJson(rows: readonly object[]): Promise<void> {
	if (values.json === undefined) return;
	const json = { photos: set.photos.length, faces: set.faces, models: rows };
	await writeFile(values.json, `${JSON.stringify(json, null, '\t')}\n`);
}

async function openSet(): Promise<EvaluationSet> {
	const [folder] = positionals;
	const { protocol, 'ground-truth': groundTruth } = values;
	if (folder !== undefined && protocol === 'folder') {
		return openFolder(resolve(folder), Number(values['smallest-face']));
	}
	if (folder !== undefined && groundTruth !== undefined) {
		if (protocol === 'wider') return openWider(resolve(folder), resolve(groundTruth));
		if (protocol === 'fddb') return openFddb(resolve(folder), resolve(groundTruth));
	}
	throw new Error(`Expected a folder of photos and its ground truth.\nUsage: ${USAGE}`);
}

function printAccuracy(reports: readonly Report[]): void {
	console.log(`${set.photos.length} photos, ${set.faces} faces; IoU 0.5; milliseconds an image, one thread`);
	const columns = Object.keys(reports[0]?.figures ?? {});
	const rows = reports.map(({ model, figures, decodeMs, totalMs, cpuMs }) => [
		model,
		...columns.map((column) => toText(column, figures[column] ?? Number.NaN)),
		decodeMs.median.toFixed(1),
		totalMs.median.toFixed(1),
		totalMs.mean.toFixed(1),
		cpuMs.mean.toFixed(1),
	]);
	printTable([['model', ...columns, 'decoding', 'median', 'mean', 'CPU mean'], ...rows]);
}

function printCosts(costs: readonly DetectionCost[], rounds: number): void {
	const lines = [
		`Processor time a photo in milliseconds, on those of ${set.photos.length} photos that call for no second look,`,
		`in ${rounds} rounds, in turns photo by photo, decoding left out.`,
		'network: one look of it that answers no face. plain: one look with non-maximum suppression, and landmarks, pose and',
		'quality of its faces. detector: as a worker runs it, with the same fields. ratio: detector to plain, by sums: the median round,',
		'the least and the largest; then the median photo. to network: detector to network. all photos: ratio on all of them,',
		'with the looks that some call for.',
	];
	console.log(lines.join('\n'));
	const range = (ratios: readonly number[]) =>
		`${median(ratios).toFixed(3)} (${Math.min(...ratios).toFixed(3)}-${Math.max(...ratios).toFixed(3)})`;
	printTable([
		['model', 'photos', 'network', 'plain', 'detector', 'ratio', 'photo', 'to network', 'all photos'],
		...costs.map((cost) => [
			cost.model,
			String(cost.photos),
			cost.networkMs.toFixed(1),
			cost.plainMs.toFixed(1),
			cost.detectorMs.toFixed(1),
			range(cost.ratios),
			cost.medianRatio.toFixed(3),
			range(cost.networkRatios),
			median(cost.allRatios).toFixed(2),
		]),
	]);
}

/** Counts as they are, shares with four decimals. */
function toText(column: string, figure: number): string {
	return column === 'missed' ? String(figure) : figure.toFixed(4);
}
