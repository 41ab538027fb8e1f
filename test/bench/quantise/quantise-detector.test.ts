import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Detection } from '@facet/contracts';
import { createFaceDetector } from '@facet/vision';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toyScrfd } from '../../support/toy-detectors.ts';
import { detectPhoto } from '../run-detector.ts';
import { readNetwork } from './network-file.ts';
import { quantiseDetector } from './quantise-detector.ts';

const modelsDir = fileURLToPath(new URL('../../../models', import.meta.url));
let folder: string;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'facet-quantise-test-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** A white picture with squares of 64 pixels in these colours, which the test's network looks for. */
async function photoOf(name: string, ...colours: readonly string[]): Promise<string> {
	const path = join(folder, `${name}.png`);
	await sharp({ create: { width: 640, height: 640, channels: 3, background: '#ffffff' } })
		.composite(
			colours.map((background, index) => ({
				input: { create: { width: 64, height: 64, channels: 3, background } },
				left: 64 + 192 * index,
				top: 192,
			})),
		)
		.png()
		.toFile(path);
	return path;
}

async function detect(model: string, photo: string): Promise<readonly Detection[]> {
	const detector = await createFaceDetector({ modelsDir, model });
	try {
		return (await detectPhoto(detector, photo)).detections;
	} finally {
		await detector.close();
	}
}

describe('quantiseDetector', () => {
	test('gives a network in 8 bits that finds the same', async () => {
		const model = join(folder, 'toy.onnx');
		await writeFile(model, toyScrfd());
		const photos = [await photoOf('red', '#ff0000'), await photoOf('green', '#00ff00')];

		const quantised = await quantiseDetector({ modelsDir, model, photos });
		expect(quantised.convolutions).toBe(9);
		expect((await quantiseDetector({ modelsDir, model, photos })).model).toEqual(quantised.model);
		const { nodes, weights } = readNetwork(quantised.model);
		const dequantised = new Set(
			nodes
				.filter(({ operator }) => operator === 'DequantizeLinear')
				.flatMap(({ outputs: [output] }) => output ?? []),
		);
		const convolutions = nodes.filter(({ operator }) => operator === 'Conv');
		expect(convolutions).toHaveLength(9);
		for (const { inputs } of convolutions)
			expect(inputs.filter((name) => dequantised.has(name))).toHaveLength(3);
		expect([...weights.keys()].filter((name) => name.endsWith('.weights'))).toEqual([]);

		const file = join(folder, 'toy-8bit.onnx');
		await writeFile(file, quantised.model);
		const photo = await photoOf('other', '#e00000', '#f01010', '#00ff00');
		const expected = await detect(model, photo);
		const found = await detect(file, photo);
		expect(expected.length).toBeGreaterThanOrEqual(3);
		expect(found).toHaveLength(expected.length);
		for (const [index, { box, score }] of expected.entries()) {
			expect(found[index]?.score).toBeCloseTo(score, 1);
			for (const side of ['x', 'y', 'width', 'height'] as const)
				expect(Math.abs((found[index]?.box[side] ?? 0) - box[side]), side).toBeLessThan(2);
		}
	});

	test('refuses a network of an operator set without 8-bit operators', async () => {
		const quantised = quantiseDetector({ modelsDir, model: 'ultraface', photos: [] });
		await expect(quantised).rejects.toThrow(/operator set 10 or later but .* is of 9/);
	});
});
