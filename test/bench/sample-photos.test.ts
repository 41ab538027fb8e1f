import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BoundingBox, type RgbImage, roundBox } from '@facet/contracts';
import { decodeForDetection } from '@facet/media/pictures';
import { createFaceDetector, type FaceDetector } from '@facet/vision';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const modelsDir = fileURLToPath(new URL('../../models', import.meta.url));
const samples = dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/demo/sample1.jpg'));

let detector: FaceDetector;

beforeAll(async () => {
	detector = await createFaceDetector({ modelsDir, model: 'ultraface' });
});

afterAll(() => detector.close());

async function detect(file: string) {
	const { image } = await decodeForDetection(join(samples, file), {
		maxSide: detector.inputSide,
		maxPixels: 100_000_000,
		timeoutMs: 60_000,
	});
	return { image, faces: await detector.detect(image) };
}

describe('UltraFace on the sample photos', () => {
	test.each([
		['sample1.jpg', 3],
		['sample2.jpg', 3],
		['sample3.jpg', 3],
		['sample4.jpg', 4],
		['sample5.jpg', 5],
		['sample6.jpg', 4],
	])('%s shows %i faces', async (file, count) => {
		const { image, faces } = await detect(file);
		expect(faces).toHaveLength(count);
		const areas = faces.map(({ box }) => box.width * box.height);
		expect(areas).toEqual(areas.toSorted((a, b) => b - a));
		for (const { box, score, landmarks, landmarks68 } of faces) {
			expect(score).toBeGreaterThan(0.62);
			expect(box.x).toBeGreaterThanOrEqual(0);
			expect(box.y).toBeGreaterThanOrEqual(0);
			expect(box.x + box.width).toBeLessThanOrEqual(image.width);
			expect(box.y + box.height).toBeLessThanOrEqual(image.height);
			expect(landmarks68).toHaveLength(68);
			// The faces of these photos are upright enough for this.
			expect(landmarks.leftEye.x).toBeLessThan(landmarks.rightEye.x);
			expect(landmarks.leftEye.y).toBeLessThan(landmarks.mouthCenter.y);
		}
	});

	test('the same picture gives the same answer', async () => {
		expect((await detect('sample5.jpg')).faces).toEqual((await detect('sample5.jpg')).faces);
	});

	test('a face that fills the frame is found', async () => {
		const { image, faces } = await detect('sample1.jpg');
		const [face] = faces;
		if (face === undefined) throw new Error('Expected a face');
		const closeUp = cutOut(image, face.box);
		expect(await detector.detect(closeUp)).toHaveLength(1);
	});

	test('a face that the frame cuts on all sides is found by the close-up, which says so', async () => {
		const { image, faces } = await detect('sample3.jpg');
		const [face] = faces;
		if (face === undefined) throw new Error('Expected a face');
		const { x, y, width, height } = face.box;
		const middle = { x: x + 0.2 * width, y: y + 0.2 * height, width: 0.6 * width, height: 0.6 * height };
		const found = await detector.detect(cutOut(image, middle));
		expect(found.map(({ detectorPass }) => detectorPass)).toEqual(['close_up']);
	});

	test('a picture without faces gives none', async () => {
		const width = 320;
		const height = 200;
		const data = Uint8Array.from({ length: width * height * 3 }, (_, index) => (index * 31) % 255);
		expect(await detector.detect({ data, width, height })).toEqual([]);
	});

	test('a picture of one pixel is no trouble', async () => {
		expect(await detector.detect({ data: Uint8Array.of(1, 2, 3), width: 1, height: 1 })).toEqual([]);
	});
});

function cutOut(image: RgbImage, box: BoundingBox): RgbImage {
	const { x, y, width, height } = roundBox(box);
	const data = new Uint8Array(width * height * 3);
	for (let row = 0; row < height; row++) {
		const from = ((y + row) * image.width + x) * 3;
		data.set(image.data.subarray(from, from + width * 3), row * width * 3);
	}
	return { data, width, height };
}
