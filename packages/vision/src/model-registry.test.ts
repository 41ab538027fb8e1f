import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
	findModel,
	findModelFile,
	isModelPath,
	readModelRegistry,
	settingsOfKind,
} from './model-registry.ts';

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

describe('a weight file by its path', () => {
	beforeEach(() => writeRegistry({ packs: {}, models: [entry('small'), entry('large')] }));

	test('is told from a name by its ending', () => {
		expect(isModelPath('scrfd.onnx')).toBe(true);
		expect(isModelPath('../models/scrfd.onnx')).toBe(true);
		expect(isModelPath('scrfd_500m')).toBe(false);
	});

	test('takes the settings of the first network of its kind', async () => {
		const path = join(modelsDir, 'mine.onnx');
		await writeFile(path, '');
		const file = await findModelFile(modelsDir, path);
		expect(file).toMatchObject({ name: 'mine', path });
		expect(settingsOfKind(file, 'ultraface')).toEqual({
			...entry('small'),
			name: 'mine',
			file: 'mine.onnx',
			path,
			parameters: {},
		});
		expect(() => settingsOfKind(file, 'scrfd')).toThrow('kind scrfd in MODELS.json, whose settings mine');
	});

	test('that is not there is named', async () => {
		const path = join(modelsDir, 'none.onnx');
		await expect(findModelFile(modelsDir, path)).rejects.toThrow(path);
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
