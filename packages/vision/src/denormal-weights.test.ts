import { describe, expect, test } from 'vitest';
import { flushDenormalWeights } from './denormal-weights.ts';

/** A field with bytes in it; short enough for lengths of one byte. */
const field = (number: number, content: Uint8Array) =>
	Buffer.concat([Buffer.from([number * 8 + 2, content.length]), content]);

const tensor = (dataType: number, values: Buffer) =>
	Buffer.concat([Buffer.from([1 * 8, 2, 2 * 8, dataType]), field(9, values)]);

const model = (...tensors: Buffer[]) =>
	Buffer.concat([Buffer.from([8, 9]), field(7, Buffer.concat(tensors.map((each) => field(5, each))))]);

const floats = (...values: number[]) => Buffer.from(new Float32Array(values).buffer);

describe('flushDenormalWeights', () => {
	test('zeroes denormal weights of either sign, and nothing else', () => {
		const bytes = model(tensor(1, floats(1e-40, 1.5, -1e-39, 0, -2e-38)));
		expect(flushDenormalWeights(bytes)).toBe(2);
		expect(bytes).toEqual(model(tensor(1, floats(0, 1.5, 0, 0, -2e-38))));
		expect(flushDenormalWeights(bytes)).toBe(0);
	});

	test('leaves whole numbers alone, which look like denormal floats', () => {
		const shape = Buffer.from(new BigInt64Array([1n, 512n]).buffer);
		const bytes = model(tensor(7, shape), tensor(1, floats(1)));
		expect(flushDenormalWeights(bytes)).toBe(0);
		expect(bytes).toEqual(model(tensor(7, shape), tensor(1, floats(1))));
	});

	test('refuses what is no ONNX file', () => {
		expect(() => flushDenormalWeights(Buffer.from('<html>'))).toThrow(RangeError);
		expect(() => flushDenormalWeights(model(tensor(1, floats(1, 2))).subarray(0, 9))).toThrow(RangeError);
	});
});
