import type { Detection } from '@facet/contracts';
import { describe, expect, test } from 'vitest';
import { discreteRoc, ellipseOverlap, parseEllipseList, rateAt, toFddbOutput } from './fddb.ts';

const LIST = [
	'2002/08/11/big/img_591',
	'1',
	'123.583300 85.549500 1.265839 269.693400 161.781200  1',
	'2002/08/26/big/img_265',
	'2',
	'67.363819 44.511485 -1.476417 105.249970 87.209036  1',
	'41.936870 27.064477 1.471906 184.070915 129.345601  1',
].join('\n');

function detection(x: number, y: number, width: number, height: number, score: number): Detection {
	const point = { x, y };
	const eyes = { leftEye: point, rightEye: point, nose: point };
	return {
		box: { x, y, width, height },
		score,
		landmarks: { ...eyes, mouthCenter: point, mouthLeft: point, mouthRight: point },
	};
}

const upright = { majorRadius: 60, minorRadius: 40, angle: Math.PI / 2, center: { x: 100, y: 100 } };

test('an ellipse list has each photo with its faces', () => {
	const photos = parseEllipseList(LIST);
	expect(photos.map(({ name, faces }) => [name, faces.length])).toEqual([
		['2002/08/11/big/img_591', 1],
		['2002/08/26/big/img_265', 2],
	]);
	expect(photos[0]?.faces[0]).toEqual({
		majorRadius: 123.5833,
		minorRadius: 85.5495,
		angle: 1.265839,
		center: { x: 269.6934, y: 161.7812 },
	});
	expect(() => parseEllipseList('name\nmany')).toThrow('line 2');
});

describe('ellipseOverlap', () => {
	test('of an ellipse and the box around it is pi over 4, whichever way it is turned', () => {
		expect(ellipseOverlap(upright, { x: 60, y: 40, width: 80, height: 120 })).toBeCloseTo(Math.PI / 4, 2);
		const lying = { ...upright, angle: 0 };
		expect(ellipseOverlap(lying, { x: 40, y: 60, width: 120, height: 80 })).toBeCloseTo(Math.PI / 4, 2);
	});

	test('of half an ellipse is half as much, and 0 apart', () => {
		const half = { x: 100, y: 40, width: 40, height: 120 };
		const area = Math.PI * 60 * 40;
		expect(ellipseOverlap(upright, half)).toBeCloseTo(area / 2 / (area / 2 + 40 * 120), 2);
		expect(ellipseOverlap(upright, { x: 300, y: 300, width: 50, height: 50 })).toBe(0);
	});
});

test('the discrete curve counts one hit a face, and everything else as false positives', () => {
	const found = detection(60, 40, 80, 120, 0.9);
	const again = detection(62, 40, 80, 120, 0.8);
	const wrong = detection(500, 500, 80, 120, 0.95);
	const other = { ...upright, center: { x: 1000, y: 100 } };
	const roc = discreteRoc([{ name: 'a', faces: [upright, other], detections: [again, wrong, found] }]);
	expect(roc).toEqual([
		{ falsePositives: 1, truePositiveRate: 0 },
		{ falsePositives: 1, truePositiveRate: 0.5 },
		{ falsePositives: 2, truePositiveRate: 0.5 },
	]);
	expect(rateAt(roc, 0)).toBe(0);
	expect(rateAt(roc, 1)).toBe(0.5);
});

test('detections are written as its evaluation reads them', () => {
	const detections = [detection(1, 2.5, 3, 4, 0.75)];
	expect(toFddbOutput({ name: '2002/a', faces: [], detections })).toBe(
		'2002/a\n1\n1.00 2.50 3.00 4.00 0.75000\n',
	);
});
