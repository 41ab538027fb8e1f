import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Detection } from '@facet/contracts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { matFile } from '../support/mat-writer.ts';
import { areaUnder } from './precision-recall.ts';
import { parseWiderText, readWiderMat, writeWiderPrediction } from './wider-face.ts';
import { widerCurve } from './wider-scoring.ts';

let folder: string;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'facet-wider-'));
	const write = (name: string, content: Parameters<typeof matFile>[0]) =>
		writeFile(join(folder, name), matFile(content, true));
	await write('wider_face_val.mat', {
		event_list: { cells: ['0--Parade', '1--Handshaking'] },
		file_list: { cells: [{ cells: ['0_Parade_1', '0_Parade_2'] }, { cells: ['1_Hand_1'] }] },
		face_bbx_list: {
			cells: [
				{
					cells: [
						[
							[10, 20, 30, 40],
							[100, 20, 8, 9],
						],
						[[5, 5, 50, 50]],
					],
				},
				{ cells: [[[1, 2, 3, 4]]] },
			],
		},
	});
	const subset = (first: number[][]) => ({
		gt_list: { cells: [{ cells: [first, [[1]]] }, { cells: [[]] }] },
	});
	await write('wider_easy_val.mat', subset([[1]]));
	await write('wider_medium_val.mat', subset([[1]]));
	await write('wider_hard_val.mat', subset([[1], [2]]));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

function detection(box: readonly [number, number, number, number], score: number): Detection {
	const [x, y, width, height] = box;
	const point = { x, y };
	const eyes = { leftEye: point, rightEye: point, nose: point };
	return {
		box: { x, y, width, height },
		score,
		landmarks: { ...eyes, mouthCenter: point, mouthLeft: point, mouthRight: point },
	};
}

describe('the official files', () => {
	test('give every photo its boxes, and the faces that each subset wants', async () => {
		const photos = await readWiderMat(folder);
		expect(photos.map(({ event, name }) => `${event}/${name}`)).toEqual([
			'0--Parade/0_Parade_1',
			'0--Parade/0_Parade_2',
			'1--Handshaking/1_Hand_1',
		]);
		expect(photos[0]?.boxes).toEqual([
			{ x: 10, y: 20, width: 30, height: 40 },
			{ x: 100, y: 20, width: 8, height: 9 },
		]);
		expect(photos[0]?.subsets.get('easy')).toEqual([0]);
		expect(photos[0]?.subsets.get('hard')).toEqual([0, 1]);
		expect(photos[2]?.subsets.get('easy')).toEqual([]);
	});

	test('the text has all faces but the invalid ones, and photos without any', () => {
		const photos = parseWiderText(
			[
				'0--Parade/a.jpg',
				'2',
				'449 330 122 149 0 0 0 0 0 0 ',
				'10 10 5 5 0 0 0 1 0 0 ',
				'0--Parade/b.jpg',
				'0',
				'0 0 0 0 0 0 0 0 0 0 ',
				'1--X/c.jpg',
				'1',
				'1 2 3 4 0 0 0 0 0 0',
			].join('\n'),
		);
		expect(photos.map(({ boxes }) => boxes.length)).toEqual([2, 0, 1]);
		expect(photos[0]?.subsets.get('all')).toEqual([0]);
		expect(photos[2]).toMatchObject({
			event: '1--X',
			name: 'c',
			boxes: [{ x: 1, y: 2, width: 3, height: 4 }],
		});
		expect(() => parseWiderText('no path\n2')).toThrow('line 1');
	});
});

describe('widerCurve', () => {
	const boxes = [
		{ x: 10, y: 20, width: 30, height: 40 },
		{ x: 100, y: 20, width: 8, height: 9 },
	];
	const subsets = new Map([
		['easy', [0]],
		['hard', [0, 1]],
	] as const);
	const first = detection([10, 20, 30, 40], 0.9);
	const second = detection([100, 20, 8, 9], 0.8);
	const wrong = detection([300, 300, 30, 30], 0.7);

	test('is perfect when everything is found and nothing else', () => {
		const curve = widerCurve([{ boxes, subsets, detections: [first, second] }], 'hard');
		expect(areaUnder(curve)).toBe(1);
	});

	test('a face that a subset does not want counts neither way', () => {
		const curve = widerCurve([{ boxes, subsets, detections: [second, first, wrong] }], 'easy');
		expect(areaUnder(curve)).toBe(1);
		expect(curve.at(-1)).toEqual({ precision: 1 / 2, recall: 1 });
	});

	test('a second detection of a face is a false alarm, and a missed face costs recall', () => {
		const again = detection([11, 20, 30, 40], 0.85);
		const curve = widerCurve([{ boxes, subsets, detections: [first, again] }], 'hard');
		expect(curve.at(-1)).toEqual({ precision: 1 / 2, recall: 1 / 2 });
	});
});

test('predictions are files of the official format', async () => {
	const photo = { event: '0--Parade', name: '0_Parade_1' };
	await writeWiderPrediction(folder, photo, [
		detection([1, 2, 3, 4], 0.5),
		detection([10, 20.25, 30, 40], 0.75),
	]);
	expect(await readFile(join(folder, '0--Parade', '0_Parade_1.txt'), 'utf8')).toBe(
		'0_Parade_1\n2\n10.0 20.3 30.0 40.0 0.7500\n1.0 2.0 3.0 4.0 0.5000\n',
	);
});
