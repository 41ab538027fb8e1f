import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findModel, readModelRegistry } from './model-registry.ts';

let modelsDir: string;

beforeEach(async () => {
	modelsDir = await mkdtemp(join(tmpdir(), 'facet-models-'));
});

afterEach(async () => {
	await rm(modelsDir, { recursive: true });
});

function entry(name: string) {
	return {
		name,
		kind: 'ultraface',
		description: 'a detector',
		file: `${name}.onnx`,
		licence: 'MIT',
		input: { width: 320, height: 240, channels: 'rgb' },
		normalisation: { mean: 127, scale: 128 },
	};
}

async function writeRegistry(registry: unknown) {
	await writeFile(join(modelsDir, 'MODELS.json'), JSON.stringify(registry));
}

describe('findModel', () => {
	beforeEach(() =>
		writeRegistry({ packs: { embedded: ['small'] }, models: [entry('small'), entry('large')] }),
	);

	test('gives the entry and the path of the weights', async () => {
		await writeFile(join(modelsDir, 'small.onnx'), '');
		expect(await findModel(modelsDir, 'small')).toMatchObject({
			kind: 'ultraface',
			path: join(modelsDir, 'small.onnx'),
			parameters: {},
		});
	});

	test('names the command that fetches missing weights of the embedded pack', async () => {
		await expect(findModel(modelsDir, 'small')).rejects.toThrow(/`npm run models`$/);
	});

	test('names the command that fetches missing weights of another network', async () => {
		await expect(findModel(modelsDir, 'large')).rejects.toThrow(/`npm run models -- large`$/);
	});

	test('an unknown name is answered with the known ones', async () => {
		await expect(findModel(modelsDir, 'huge')).rejects.toThrow('(small, large) but received huge');
	});
});

describe('readModelRegistry', () => {
	test('names the file that is not there', async () => {
		await expect(readModelRegistry(modelsDir)).rejects.toThrow(join(modelsDir, 'MODELS.json'));
	});

	test('names each field at fault', async () => {
		await writeRegistry({ packs: {}, models: [{ ...entry('small'), file: 3, licence: undefined }] });
		const failure = readModelRegistry(modelsDir);
		await expect(failure).rejects.toThrow('models[0].file');
		await expect(failure).rejects.toThrow('models[0].licence');
	});
});
