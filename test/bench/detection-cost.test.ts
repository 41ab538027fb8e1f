import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { toyScrfd } from '../support/toy-detectors.ts';
import { measureCost } from './detection-cost.ts';

const modelsDir = fileURLToPath(new URL('../../models', import.meta.url));

let directory: string;

beforeAll(async () => {
	directory = await mkdtemp(join(tmpdir(), 'facet-test-'));
});

afterAll(() => rm(directory, { recursive: true }));

/** A black picture of the network's size, with a square that fills whole cells: it is sure of all that it sees. */
async function photo(name: string, background: string): Promise<string> {
	const path = join(directory, name);
	const square = { width: 64, height: 64, channels: 3, background } as const;
	const black = { width: 640, height: 640, channels: 3, background: '#000' } as const;
	const input = await sharp({ create: square }).png().toBuffer();
	await sharp({ create: black })
		.composite([{ input, left: 320, top: 320 }])
		.png()
		.toFile(path);
	return path;
}

it('compares on the photos that call for no other look, and on all', async () => {
	const model = join(directory, 'toy.onnx');
	await writeFile(model, toyScrfd());
	// The network takes red for a face, and black for none, which calls for all the looks that there are.
	const photos = await Promise.all([photo('red.png', '#f00'), photo('black.png', '#000')]);
	const cost = await measureCost({ modelsDir, model }, photos, 2);
	expect(cost).toMatchObject({ model: 'toy', photos: 1 });
	expect([cost.networkMs, cost.plainMs, cost.detectorMs].every((ms) => ms > 0)).toBe(true);
	expect([cost.ratios, cost.networkRatios, cost.allRatios].map((ratios) => ratios.length)).toEqual([2, 2, 2]);
	// Nine runs of the network for two.
	expect(Math.min(...cost.allRatios)).toBeGreaterThan(1.5);
});
