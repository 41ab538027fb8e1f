import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findModelFile, OnnxRuntime, openEngine } from '@facet/vision';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type OnnxGraph, writeOnnx } from '../support/onnx-file.ts';

fc.configureGlobal({ seed: 6, numRuns: 200 });

const modelsDir = fileURLToPath(new URL('../../models', import.meta.url));
const SIDE = 64;

let folder: string;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'facet-networks-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** A network that says the same of every picture: outputs of these shapes, filled with these values over and over. */
function constantNetwork(
	input: readonly (number | string)[],
	outputs: readonly { readonly shape: readonly number[]; readonly values: readonly number[] }[],
): OnnxGraph {
	return {
		inputs: [{ name: 'input', shape: input }],
		outputs: outputs.map(({ shape }, i) => ({ name: `output_${i}`, shape })),
		nodes: outputs.map((_, i) => ({
			operator: 'Identity',
			inputs: [`value_${i}`],
			outputs: [`output_${i}`],
		})),
		initializers: outputs.map(({ shape, values }, i) => ({
			name: `value_${i}`,
			shape,
			data: Float32Array.from(
				{ length: shape.reduce((product, extent) => product * extent, 1) },
				(_value, at) => values[at % values.length] ?? 0,
			),
		})),
	};
}

const value = fc.oneof(
	fc.double({ min: -2, max: 2, noNaN: true }),
	fc.constantFrom(0, 1, -1, 1e30, Number.NaN, Number.POSITIVE_INFINITY),
);
const values = fc.array(value, { minLength: 1, maxLength: 8 });
const input = fc.constantFrom<readonly (number | string)[]>(
	[1, 3, SIDE, SIDE],
	[1, 3, 'height', 'width'],
	['batch', 3, SIDE, SIDE],
	[1, 1, SIDE, SIDE],
	[1, SIDE, SIDE, 3],
	[3, SIDE],
);
/** Outputs as detectors with anchors have them, and some that are a little off. */
const outputs = fc
	.tuple(
		fc.constantFrom([8, 16, 32], [8, 16], [8, 16, 32, 64], [32, 16, 8]),
		fc.constantFrom([1, 4, 10], [1, 4], [1, 1, 4, 10], [2, 4], [10, 4, 1], [1, 4, 10, 3]),
		fc.constantFrom(1, 1, 2, 3),
		fc.boolean(),
		fc.option(fc.nat(11)),
		values,
	)
	.map(([strides, extents, anchors, hasBatch, oddOne, filling]) =>
		extents.flatMap((extent, which) =>
			strides.map((stride, level) => {
				const rows = (SIDE / stride) ** 2 * anchors + (which * strides.length + level === oddOne ? 1 : 0);
				return { shape: hasBatch ? [1, rows, extent] : [rows, extent], values: filling };
			}),
		),
	);

it('networks of any inputs and outputs are detectors that give candidates, or are refused in words', async () => {
	const picture = { data: new Uint8Array(SIDE * SIDE * 3).fill(128), width: SIDE, height: SIDE };
	const runtime = new OnnxRuntime();
	const path = join(folder, 'network.onnx');
	let opened = 0;
	await fc.assert(
		fc.asyncProperty(input, outputs, async (shape, given) => {
			await writeFile(path, writeOnnx(constantNetwork(shape, given)));
			try {
				const { engine } = await openEngine(await findModelFile(modelsDir, path), runtime);
				opened += 1;
				try {
					for (const { score } of await engine.detect(picture, 0.5))
						expect(score).toBeGreaterThanOrEqual(0.5);
				} finally {
					await engine.close();
				}
			} catch (error) {
				expect(String(error)).toMatch(/Expected .+ but received|Expected a .+ detector/);
			}
		}),
	);
	// Otherwise it would only have tried refusals.
	expect(opened).toBeGreaterThan(10);
});

it('files of any bytes are no networks', async () => {
	const path = join(folder, 'bytes.onnx');
	const network = writeOnnx(constantNetwork([1, 3, SIDE, SIDE], [{ shape: [1, 4], values: [1] }]));
	const bytes = fc.oneof(
		fc.uint8Array({ maxLength: 300 }),
		fc.nat(network.length - 1).map((end) => network.subarray(0, end)),
	);
	await fc.assert(
		fc.asyncProperty(bytes, async (content) => {
			await writeFile(path, content);
			const model = await findModelFile(modelsDir, path);
			await expect(openEngine(model, new OnnxRuntime())).rejects.toThrow(Error);
		}),
		{ numRuns: 100 },
	);
});
