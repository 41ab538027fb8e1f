import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Environment, Facet } from '../support/facet.ts';
import { networksBesideCheckout } from '../support/insightface-networks.ts';
import { SAMPLE_PHOTOS } from '../support/sample-photos.ts';
import { toyScrfd, toyYuNet } from '../support/toy-detectors.ts';

let folder: string;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'facet-detectors-'));
	await writeFile(join(folder, 'scrfd.onnx'), toyScrfd());
	await writeFile(join(folder, 'yunet.onnx'), toyYuNet());
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function withFacet(environment: Environment, use: (facet: Facet) => Promise<void>): Promise<void> {
	const facet = await Facet.start(inject('redisUrl'), environment);
	try {
		await use(facet);
	} finally {
		await facet.stop();
	}
}

/** A white picture of 1280 x 960 with a red square of 16 pixels at 160, 320, which the test's networks look for. */
function redSquare(): Promise<Buffer> {
	const square = { create: { width: 16, height: 16, channels: 3, background: '#ff0000' } } as const;
	return sharp({ create: { width: 1280, height: 960, channels: 3, background: '#ffffff' } })
		.composite([{ input: square, left: 160, top: 320 }])
		.png()
		.toBuffer();
}

describe('DETECTOR_MODEL is the path of a file', () => {
	it.each([
		['scrfd', [144, 296, 48, 64]],
		['yunet', [152, 300, 32, 48]],
	])(
		'with the outputs of %s: it is run as such, and its hash is said not to be checked',
		async (kind, box) => {
			const path = join(folder, `${kind}.onnx`);
			await withFacet({ DETECTOR_MODEL: path, INFERENCE_THREADS: '2' }, async (facet) => {
				const img = (await redSquare()).toString('base64');
				const { body } = await facet.detect({ img });
				expect(body).toMatchObject({ error_code: 0, faces_obj: { '0': { region: [box] } } });
				const warnings = facet.logs.split('\n').filter((line) => line.includes('its hash is not checked'));
				expect(warnings).toHaveLength(1);
				expect(warnings[0]).toContain(`"engine":"${kind}"`);
			});
		},
	);

	it.each(
		['scrfd', 'yunet'].flatMap((kind) => networksBesideCheckout(kind)).map((path) => [basename(path), path]),
	)('%s finds the faces of the sample photos', async (_, path) => {
		await withFacet({ DETECTOR_MODEL: path }, async (facet) => {
			for (const photo of SAMPLE_PHOTOS) {
				const img = (await readFile(photo.path)).toString('base64');
				const { body } = await facet.detect({ img });
				expect(body.faces_obj['0']?.region, photo.name).toHaveLength(photo.faces);
			}
		});
	});

	it('that no engine runs: the worker says what it expected and what came, and does not start', async () => {
		const facet = await Facet.start(inject('redisUrl'), {}, 0);
		try {
			const worker = facet.startWorker({ DETECTOR_MODEL: 'models/face_embedding.onnx' });
			await expect(worker).rejects.toThrow(/Expected a face detector at .*scrfd: .*output \[1,512\]/);
		} finally {
			await facet.stop();
		}
	});
});

it('ONNX_EXECUTION_PROVIDERS that the runtime does not have: one warning, and the processor does the work', async () => {
	const environment = { ONNX_EXECUTION_PROVIDERS: 'openvino,cpu', INFERENCE_THREADS: '2' };
	await withFacet(environment, async (facet) => {
		const [photo] = SAMPLE_PHOTOS;
		const img = (await readFile(photo?.path ?? '')).toString('base64');
		expect((await facet.detect({ img })).body.faces_obj['0']?.region).toHaveLength(3);
		const warnings = facet.logs
			.split('\n')
			.filter((line) => line.includes('openvino') && line.includes('Cannot'));
		expect(warnings).toHaveLength(1);
		expect(warnings[0]).toMatch(/Cannot run networks on openvino \(.*\); running them on cpu/);
	});
});
