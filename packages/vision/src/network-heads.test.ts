import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { decodeUltraFace } from './engines/ultraface-anchors.ts';
import { cutAtHeads } from './network-heads.ts';
import { OnnxRuntime, outputOf } from './onnx-session.ts';

const ultraFace = fileURLToPath(new URL('../../../models/ultraface_rfb_320.onnx', import.meta.url));
/** Cells and anchors a cell of each level, of 320 x 240 pixels. */
const LEVELS = [
	[1200, 3],
	[300, 2],
	[80, 2],
	[20, 3],
] as const;

const input = { width: 320, height: 240 };

test("what is decoded from UltraFace's heads is what the whole network gives", async () => {
	const runtime = new OnnxRuntime();
	const whole = await runtime.open(ultraFace);
	const heads = await runtime.open(ultraFace, cutAtHeads);
	try {
		// A pattern without a plain patch, so that no two anchors give the same.
		const planes = Float32Array.from(
			{ length: 3 * 240 * 320 },
			(_, index) => Math.sin(index / 37) * Math.cos(Math.floor((index % 76_800) / 320) / 9),
		);
		const shape = [1, 3, input.height, input.width];
		const outputs = await whole.run(planes, shape);
		const scores = outputOf(outputs, 'scores');
		const corners = outputOf(outputs, 'boxes');
		const decoded = decodeUltraFace((await heads.run(planes, shape)).values(), input, 1e-30);
		expect(decoded).toHaveLength(scores.length / 2);
		let start = 0;
		for (const [cells, anchors] of LEVELS) {
			for (let index = 0; index < cells * anchors; index++) {
				// The whole network lists a level cell by cell, its heads list it anchor by anchor.
				const face = decoded[start + (index % anchors) * cells + Math.floor(index / anchors)];
				if (face === undefined) throw new Error('Expected as many anchors as the network has');
				const { x, y, width, height } = face.box;
				const edges = [x / 320, y / 240, (x + width) / 320, (y + height) / 240];
				const off = edges.map((edge, at) =>
					Math.abs(edge - (corners[4 * (start + index) + at] ?? Number.NaN)),
				);
				const offScore = Math.abs(face.score - (scores[2 * (start + index) + 1] ?? Number.NaN));
				expect(Math.max(...off, offScore)).toBeLessThan(1e-5);
			}
			start += cells * anchors;
		}
	} finally {
		await whole.close();
		await heads.close();
	}
});

test('refuses a network without heads, and what is no network', async () => {
	expect(() => cutAtHeads(Buffer.from('<html>'))).toThrow(RangeError);
	const landmarks = fileURLToPath(new URL('../../../models/landmarks_68.onnx', import.meta.url));
	expect(() => cutAtHeads(Buffer.alloc(0))).toThrow('Expected an ONNX file');
	const file = await readFile(landmarks);
	expect(() => cutAtHeads(file)).toThrow('transposes');
});
