import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BoundingBox, RgbImage } from '@facet/contracts';
import { type Candidate, createFaceDetector, findModelFile, OnnxRuntime, openEngine } from '@facet/vision';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TOY_SCRFD, type ToyFile, toyScrfd, toyYuNet } from '../support/toy-detectors.ts';

const modelsDir = fileURLToPath(new URL('../../models', import.meta.url));
const RED = [255, 0, 0] as const;
const GREEN = [0, 255, 0] as const;

type Box = readonly [x: number, y: number, width: number, height: number];

let folder: string;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'facet-detectors-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** A white picture with patches of colour. */
function patches(
	width: number,
	height: number,
	...rectangles: readonly (readonly [BoundingBox, readonly [number, number, number]])[]
): RgbImage {
	const data = new Uint8Array(width * height * 3).fill(255);
	for (const [{ x, y, width: across, height: down }, colour] of rectangles) {
		for (let row = y; row < y + down; row++) {
			for (let column = x; column < x + across; column++) data.set(colour, (row * width + column) * 3);
		}
	}
	return { data, width, height };
}

/** What a network of these bytes finds, without what the detector does besides. */
async function detect(name: string, network: Buffer, image: RgbImage, threshold = 0.6): Promise<Candidate[]> {
	const path = join(folder, `${name}.onnx`);
	await writeFile(path, network);
	const { engine } = await openEngine(await findModelFile(modelsDir, path), new OnnxRuntime());
	try {
		return await engine.detect(image, threshold);
	} finally {
		await engine.close();
	}
}

/** The face with this box, which has to be there. */
function faceAt<Face extends Candidate>(faces: readonly Face[], [x, y, width, height]: Box): Face {
	const differs = (a: number, b: number) => Math.abs(a - b) > 0.001;
	const face = faces.find(
		({ box }) =>
			!differs(box.x, x) && !differs(box.y, y) && !differs(box.width, width) && !differs(box.height, height),
	);
	if (face === undefined) throw new Error(`no face at ${x}, ${y} among ${JSON.stringify(faces)}`);
	return face;
}

describe('SCRFD', () => {
	/** One cell of stride 8 that anchor 0 sees, and one of stride 16 that anchor 1 sees. */
	const picture = patches(
		640,
		480,
		[{ x: 80, y: 160, width: 8, height: 8 }, RED],
		[{ x: 400, y: 320, width: 16, height: 16 }, GREEN],
	);

	const files: [string, Partial<ToyFile>][] = [
		['nine outputs with a batch axis', {}],
		['nine outputs without one', { withBatch: false }],
		['an input of any size', { side: undefined, withBatch: false }],
		['numbers for names', { nameOf: (what, stride) => `${what.length * 100 + stride}`, withBatch: false }],
		[
			'outputs stride by stride',
			{ order: (names) => [0, 3, 6, 1, 4, 7, 2, 5, 8].flatMap((n) => names[n] ?? []) },
		],
		['outputs from the last to the first', { order: (names) => names.toReversed() }],
		['five strides', { strides: [8, 16, 32, 64, 128] }],
	];

	it.each(files)('with %s', async (name, file) => {
		const faces = await detect(`scrfd-${files.findIndex(([n]) => n === name)}`, toyScrfd(file), picture);
		// Distances from the cell's corner to the edges, in strides.
		const red = faceAt(faces, [80 - 8, 160 - 12, 24, 32]);
		faceAt(faces, [400 - 32, 320 - 32, 48, 48]);
		expect(red.score).toBeCloseTo(255 / 256, 3);
		expect(red.landmarks?.leftEye).toEqual({ x: 76, y: 156 });
		expect(red.landmarks?.rightEye).toEqual({ x: 88, y: 156 });
		expect(red.landmarks?.nose).toEqual({ x: 82, y: 164 });
		expect(red.landmarks?.mouthLeft).toEqual({ x: 78, y: 168 });
		expect(red.landmarks?.mouthRight).toEqual({ x: 86, y: 168 });
		expect(red.landmarks?.mouthCenter).toEqual({ x: 82, y: 168 });
	});

	it('with one anchor a cell', async () => {
		const faces = await detect(
			'scrfd-one-anchor',
			toyScrfd({ anchors: TOY_SCRFD.anchors.slice(0, 1) }),
			picture,
		);
		expect(faces).toHaveLength(1);
		faceAt(faces, [72, 148, 24, 32]);
	});

	it('with six outputs: the landmark network finds the points', async () => {
		const model = join(folder, 'boxes.onnx');
		await writeFile(model, toyScrfd({ withPoints: false }));
		const detector = await createFaceDetector({ modelsDir, model });
		expect(detector).toMatchObject({ name: 'boxes', kind: 'scrfd', scoreThreshold: 0.5 });
		const faces = await detector.detect(picture, { scoreThreshold: 0.1 });
		await detector.close();
		const face = faceAt(faces, [368, 288, 48, 48]);
		expect(face.landmarks68).toHaveLength(68);
	});

	it('of a picture that is larger, smaller, or upright, in its own pixels', async () => {
		const cell = (x: number, y: number, side: number) => [{ x, y, width: side, height: side }, RED] as const;
		const larger = await detect('scrfd-larger', toyScrfd(), patches(1280, 960, cell(160, 320, 16)));
		faceAt(larger, [144, 296, 48, 64]);
		const smaller = await detect('scrfd-smaller', toyScrfd(), patches(320, 240, cell(40, 80, 4)));
		faceAt(smaller, [36, 74, 12, 16]);
		const upright = await detect('scrfd-upright', toyScrfd(), patches(320, 640, cell(80, 160, 8)));
		faceAt(upright, [72, 148, 24, 32]);
	});
});

describe('YuNet', () => {
	const picture = patches(640, 480, [{ x: 80, y: 160, width: 8, height: 8 }, RED]);

	it.each<[string, Partial<ToyFile>]>([
		['a fixed size', {}],
		['any size', { side: undefined }],
	])('with %s, in BGR', async (_, file) => {
		const faces = await detect('yunet', toyYuNet(file), picture);
		expect(faces).toHaveLength(1);
		// The centre is an offset from the cell's corner, the sides are powers of e, in strides.
		faceAt(faces, [84 - 8, 162 - 12, 16, 24]);
		expect(faces[0]?.score).toBeCloseTo(1, 3);
		expect(faces[0]?.landmarks?.nose).toEqual({ x: 82, y: 164 });
	});

	it('of any size takes a picture whose sides are no whole strides', async () => {
		const odd = patches(333, 201, [{ x: 80, y: 160, width: 8, height: 8 }, RED]);
		const [face] = await detect('yunet-odd', toyYuNet({ side: undefined }), odd, 0.1);
		// The patch lies across cells here, so the box is that of one of them.
		const { x = 0, y = 0, width = 0, height = 0 } = face?.box ?? {};
		expect(Math.abs(x + width / 2 - 84)).toBeLessThan(width / 2);
		expect(Math.abs(y + height / 2 - 164)).toBeLessThan(height / 2);
	});
});

describe('a file by its path', () => {
	it('that is none is said to be none', async () => {
		const detector = createFaceDetector({ modelsDir, model: join(folder, 'nothing.onnx') });
		await expect(detector).rejects.toThrow(/Expected an ONNX file at .*nothing\.onnx/);
	});

	it('that no engine runs is answered with what was expected and what came', async () => {
		const detector = createFaceDetector({ modelsDir, model: join(modelsDir, 'landmarks_68.onnx') });
		await expect(detector).rejects.toThrow(/scrfd: 3 or 5 outputs.*yunet: .*outputs output \[1,136\]$/);
	});

	it('may be the default network', async () => {
		const model = join(modelsDir, 'ultraface_rfb_320.onnx');
		const detector = await createFaceDetector({ modelsDir, model });
		expect(detector).toMatchObject({ name: 'ultraface_rfb_320', kind: 'ultraface', scoreThreshold: 0.65 });
		await detector.close();
	});
});

describe('OnnxRuntime', () => {
	it('goes on with the processor when it has not what was asked for, and says so', async () => {
		const path = join(folder, 'any.onnx');
		await writeFile(path, toyYuNet());
		const runtime = new OnnxRuntime(['openvino']);
		const session = await runtime.open(path);
		await session.close();
		expect(runtime.providers).toEqual(['cpu']);
		expect(runtime.warning).toMatch(/^Cannot run networks on openvino \(.*\); running them on cpu$/);
		expect(new OnnxRuntime().warning).toBeUndefined();
	});

	it('says of a broken file that it is broken, not of the provider', async () => {
		const path = join(folder, 'broken.onnx');
		await writeFile(path, toyYuNet().subarray(0, 500));
		const runtime = new OnnxRuntime(['cuda']);
		await expect(runtime.open(path)).rejects.toThrow();
		expect(runtime.warning ?? '').not.toMatch(/protobuf/i);
	});
});
