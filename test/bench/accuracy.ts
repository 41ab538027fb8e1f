import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { curveChart } from './curve-chart.ts';
import { type Evaluation, type EvaluationSet, openFddb, openFolder, openWider } from './evaluation-set.ts';
import { runDetector, type Times } from './run-detector.ts';

/**
 * Accuracy and time of detectors, one thread, on a folder of photos with a `gt.json`, on WIDER FACE or on FDDB:
 * `npm run bench:accuracy -- DIR [--models ultraface,scrfd_500m,PATH.onnx] [--json FILE] [--svg FILE]`.
 */

const USAGE = [
	'npm run bench:accuracy -- DIR [--models A,B] [--models-dir DIR] [--json FILE] [--svg FILE] [--smallest-face PX]',
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
		json: { type: 'string' },
		svg: { type: 'string' },
	},
});

const set = await openSet();
const reports: Report[] = [];
for (const model of (values.model ?? values.models).split(',')) {
	const run = await runDetector({ modelsDir: resolve(values['models-dir']), model }, set.photos);
	const { decodeMs, totalMs, cpuMs } = run;
	reports.push({ model: run.name, ...set.evaluate(run.detections), decodeMs, totalMs, cpuMs });
	if (values.predictions !== undefined) {
		const folder = join(values.predictions, run.name);
		await mkdir(folder, { recursive: true });
		await set.writePredictions?.(folder, run.detections);
	}
}
print();
if (values.json !== undefined) {
	const rows = reports.map(({ curves, ...report }) => report);
	const json = { photos: set.photos.length, faces: set.faces, models: rows };
	await writeFile(values.json, `${JSON.stringify(json, null, '\t')}\n`);
}
if (values.svg !== undefined) {
	const lines = reports.flatMap(({ model, curves }) =>
		curves.map(({ label, points }) => ({ label: `${model} ${label}`.trim(), points })),
	);
	await writeFile(values.svg, curveChart(basename(resolve(positionals[0] ?? '')), set.axes, lines));
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

function print(): void {
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
	const table = [['model', ...columns, 'decoding', 'median', 'mean', 'CPU mean'], ...rows];
	const widths =
		table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
	for (const row of table) {
		const cells = row.map((text, column) =>
			column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0),
		);
		console.log(`  ${cells.join('  ')}`);
	}
}

/** Counts as they are, shares with four decimals. */
function toText(column: string, figure: number): string {
	return column === 'missed' ? String(figure) : figure.toFixed(4);
}
