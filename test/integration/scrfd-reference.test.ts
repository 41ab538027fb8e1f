import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeForDetection } from '@facet/media/pictures';
import { findModelFile, OnnxRuntime, openEngine } from '@facet/vision';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { networksBesideCheckout } from '../support/insightface-networks.ts';
import { referenceFaces } from '../support/reference-decode.ts';
import { SAMPLE_PHOTOS } from '../support/sample-photos.ts';
import { toyScrfd } from '../support/toy-detectors.ts';

const modelsDir = fileURLToPath(new URL('../../models', import.meta.url));
const THRESHOLD = 0.5;

let folder: string;
let toy: string;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'facet-reference-'));
	toy = join(folder, 'toy.onnx');
	// It finds what is red or green in a photo, which is as good as faces for this.
	await writeFile(toy, toyScrfd());
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function expectAgreement(network: string, photo: string, maxSide: number, threshold: number) {
	const { image } = await decodeForDetection(photo, { maxSide, maxPixels: 1e8, timeoutMs: 60_000 });
	const runtime = new OnnxRuntime();
	const session = await runtime.open(network);
	const expected = await referenceFaces(session, image, threshold);
	await session.close();
	const { engine } = await openEngine(await findModelFile(modelsDir, network), runtime);
	const faces = await engine.detect(image, threshold);
	await engine.close();
	expect(faces).toHaveLength(expected.length);
	for (const { score, edges, points } of expected) {
		const face = faces.find(({ box }) => {
			const found = [box.x, box.y, box.x + box.width, box.y + box.height];
			return found.every((edge, index) => Math.abs(edge - (edges[index] ?? 0)) < 0.5);
		});
		expect(face?.score).toBeCloseTo(score, 2);
		const { leftEye, rightEye, nose, mouthLeft, mouthRight } = face?.landmarks ?? {};
		for (const [index, point] of [leftEye, rightEye, nose, mouthLeft, mouthRight].entries()) {
			const [x = 0, y = 0] = points[index] ?? [];
			expect(Math.hypot((point?.x ?? 0) - x, (point?.y ?? 0) - y)).toBeLessThan(0.5);
		}
	}
	return expected.length;
}

describe('agreement with a plain decode within half a pixel, at the size of the network and below it', () => {
	it.each([640, 400])('of a network that finds colours, at %i pixels', async (maxSide) => {
		let found = 0;
		for (const { path } of SAMPLE_PHOTOS) found += await expectAgreement(toy, path, maxSide, 0.35);
		expect(found).toBeGreaterThan(10);
	});

	it.each(networksBesideCheckout('scrfd').map((path) => [basename(path), path]))('of %s', async (_, path) => {
		for (const photo of SAMPLE_PHOTOS) {
			expect(await expectAgreement(path, photo.path, 640, THRESHOLD)).toBe(photo.faces);
			await expectAgreement(path, photo.path, 400, THRESHOLD);
		}
	});
});
