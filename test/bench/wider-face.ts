import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BoundingBox, Detection } from '@facet/contracts';
import { type MatValue, readMatFile } from './mat-file.ts';

/** WIDER FACE (Yang et al., CVPR 2016): its ground truth, and predictions in the format of its own evaluation. */

export const WIDER_SUBSETS = ['easy', 'medium', 'hard'] as const;

export type WiderSubset = (typeof WIDER_SUBSETS)[number];

export interface WiderPhoto {
	/** Folder of the photo, such as `0--Parade`. */
	readonly event: string;
	/** Name of the photo without `.jpg`. */
	readonly name: string;
	readonly boxes: readonly BoundingBox[];
	/** Indexes into `boxes` of the faces that a subset wants; the others are neither wanted nor wrong. */
	readonly subsets: ReadonlyMap<WiderSubset | 'all', readonly number[]>;
}

/**
 * Reads `wider_face_val.mat` and the three files beside it that say which faces are easy, medium and hard.
 *
 * @param folder - `ground_truth` of the official `eval_tools`.
 */
export async function readWiderMat(folder: string): Promise<WiderPhoto[]> {
	const read = async (name: string) => readMatFile(await readFile(join(folder, name)));
	const all = await read('wider_face_val.mat');
	const lists = await Promise.all(WIDER_SUBSETS.map((subset) => read(`wider_${subset}_val.mat`)));
	const files = cellsOf(all.get('file_list'));
	const boxes = cellsOf(all.get('face_bbx_list'));
	return cellsOf(all.get('event_list')).flatMap((event, eventIndex) =>
		cellsOf(files[eventIndex]).map((file, fileIndex): WiderPhoto => {
			const wanted = lists.map((list) => cellsOf(cellsOf(list.get('gt_list'))[eventIndex])[fileIndex]);
			return {
				event: textOf(event),
				name: textOf(file),
				boxes: boxesOf(cellsOf(boxes[eventIndex])[fileIndex]),
				// MATLAB counts from 1.
				subsets: new Map(
					WIDER_SUBSETS.map((subset, index) => [subset, numbersOf(wanted[index]).map((face) => face - 1)]),
				),
			};
		}),
	);
}

/**
 * Parses `wider_face_val_bbx_gt.txt`, which says nothing of easy, medium and hard: all faces that are not marked as
 * invalid are wanted.
 */
export function parseWiderText(text: string): WiderPhoto[] {
	const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
	const photos: WiderPhoto[] = [];
	for (let at = 0; at < lines.length; ) {
		const path = lines[at] ?? '';
		const count = Number(lines[at + 1]);
		if (!/^[^/]+\/.+\.jpg$/.test(path) || !Number.isInteger(count) || count < 0) {
			throw new Error(
				`Expected the path of a photo and a number of faces in line ${at + 1}, received "${path}"`,
			);
		}
		// A photo without faces has one line all the same, of zeros.
		const faces = lines
			.slice(at + 2, at + 2 + Math.max(1, count))
			.map((line) => line.trim().split(/\s+/).map(Number));
		const real = count === 0 ? [] : faces;
		const [event = '', name = ''] = path.split('/');
		photos.push({
			event,
			name: name.slice(0, -'.jpg'.length),
			boxes: real.map(([x = 0, y = 0, width = 0, height = 0]) => ({ x, y, width, height })),
			subsets: new Map([
				['all', real.flatMap(([, , , , , , , invalid], index) => (invalid === 1 ? [] : [index]))],
			]),
		});
		at += 2 + Math.max(1, count);
	}
	return photos;
}

/** A photo's detections as the official evaluation reads them: name, count, then x, y, width, height and score. */
export function toWiderPrediction(name: string, detections: readonly Detection[]): string {
	const faces = detections
		.toSorted((a, b) => b.score - a.score)
		.map(({ box: { x, y, width, height }, score }) =>
			[x, y, width, height]
				.map((value) => value.toFixed(1))
				.concat(score.toFixed(4))
				.join(' '),
		);
	return [name, faces.length, ...faces, ''].join('\n');
}

/** Writes a photo's prediction to `<folder>/<event>/<name>.txt`. */
export async function writeWiderPrediction(
	folder: string,
	{ event, name }: Pick<WiderPhoto, 'event' | 'name'>,
	detections: readonly Detection[],
): Promise<void> {
	const path = join(folder, event, `${name}.txt`);
	await mkdir(dirname(path), { recursive: true });
	await writeFile(path, toWiderPrediction(name, detections));
}

function cellsOf(value: MatValue | undefined): readonly MatValue[] {
	if (value?.kind === 'cells') return value.cells;
	// An empty list is written as an empty matrix of numbers.
	if (value?.kind === 'numbers' && value.values.length === 0) return [];
	throw new Error(`Expected cells in the ground truth but received ${value?.kind ?? 'nothing'}`);
}

function numbersOf(value: MatValue | undefined): readonly number[] {
	if (value?.kind !== 'numbers') throw new Error(`Expected numbers but received ${value?.kind ?? 'nothing'}`);
	return value.values;
}

function textOf(value: MatValue): string {
	// A name may sit in a cell of its own.
	const [text] = value.kind === 'cells' ? value.cells : [value];
	if (text?.kind !== 'text') throw new Error(`Expected text but received ${text?.kind ?? 'nothing'}`);
	return text.text;
}

/** In column order: all x, then all y, widths and heights. */
function boxesOf(value: MatValue | undefined): BoundingBox[] {
	const values = numbersOf(value);
	const count = values.length / 4;
	return Array.from({ length: count }, (_, index) => ({
		x: values[index] ?? 0,
		y: values[count + index] ?? 0,
		width: values[2 * count + index] ?? 0,
		height: values[3 * count + index] ?? 0,
	}));
}
