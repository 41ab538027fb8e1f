import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { createFaceDetector, type FaceDetector, Neighbours, type WorkDivision } from '@facet/vision';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { detectPhoto } from '../support/detect-photo.ts';
import { networksBesideCheckout } from '../support/insightface-networks.ts';
import { SAMPLE_PHOTOS } from '../support/sample-photos.ts';

/** Pictures of which a neighbour does some parts have the same faces, to the last bit. */

const modelsDir = fileURLToPath(new URL('../../models', import.meta.url));
const NETWORKS = ['ultraface', ...networksBesideCheckout('scrfd_500m')];

describe.each(NETWORKS)('%s', (model) => {
	const channel = randomUUID();
	const owner = new Neighbours({ channel });
	const helper = new Neighbours({ channel });
	const detectors: FaceDetector[] = [];
	let helped = 0;
	let shared: FaceDetector;
	let alone: FaceDetector;

	beforeAll(async () => {
		const open = async (division?: WorkDivision) => {
			const detector = await createFaceDetector({ modelsDir, model, ...(division && { division }) });
			detectors.push(detector);
			return detector;
		};
		alone = await open();
		shared = await open(owner);
		await open({
			divide: (name, work) =>
				helper.divide(name, (image, part) => {
					helped += 1;
					return work(image, part);
				}),
		});
	});
	afterAll(async () => {
		for (const detector of detectors) await detector.close();
		owner.close();
		helper.close();
	});

	const kinds: [string, (path: string) => Promise<Buffer>][] = [
		['as they are', (path) => readFile(path)],
		['that lie on their side', (path) => sharp(path).rotate(90).toBuffer()],
		['with very small faces', (path) => tiny(path)],
	];
	test.each(kinds)('photos %s', async (_kind, make) => {
		helped = 0;
		for (const { path } of SAMPLE_PHOTOS) {
			const photo = await make(path);
			const faces = await owner.run(true, () => detectPhoto(shared, photo));
			expect(faces).toEqual(await detectPhoto(alone, photo));
			expect(faces.length).toBeGreaterThan(0);
		}
		expect(helped).toBeGreaterThan(0);
	});
});

/** In the corner of a large grey picture. */
function tiny(path: string): Promise<Buffer> {
	return sharp({ create: { width: 4000, height: 3000, channels: 3, background: '#777' } })
		.composite([{ input: path, gravity: 'southeast' }])
		.jpeg()
		.toBuffer();
}
