import { fileURLToPath } from 'node:url';
import { decodeForDetection } from '@facet/media/pictures';
import { createFaceDetector, type FaceDetector } from '@facet/vision';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { detectPhoto } from '../support/detect-photo.ts';
import { FACE_PHOTOS, type FacePhoto } from '../support/face-photos.ts';
import { networksBesideCheckout } from '../support/insightface-networks.ts';
import { SAMPLE_PHOTOS } from '../support/sample-photos.ts';

/** Faces that a plain look misses: close-ups, photos on their side, very small faces in large photos. */

const modelsDir = fileURLToPath(new URL('../../models', import.meta.url));
const NETWORKS = ['ultraface', ...networksBesideCheckout('scrfd_500m')];

/** A face of a sample photo, cut out so that its height is `share` of the picture's. */
function closeUp({ path, width, height, faces }: FacePhoto, face: FacePhoto['faces'][number], share: number) {
	const side = face.box.height / share;
	const left = Math.max(0, Math.round(face.box.x + face.box.width / 2 - side / 2));
	const top = Math.max(0, Math.round(face.box.y + face.box.height / 2 - side / 2));
	const right = Math.min(width, Math.round(left + side));
	const bottom = Math.min(height, Math.round(top + side));
	if (!faces.includes(face)) throw new RangeError('Expected a face of this photo');
	return sharp(path)
		.extract({ left, top, width: right - left, height: bottom - top })
		.resize(600)
		.png()
		.toBuffer();
}

describe.each(NETWORKS)('%s', (model) => {
	let detector: FaceDetector;

	beforeAll(async () => {
		detector = await createFaceDetector({ modelsDir, model });
	});
	afterAll(() => detector.close());

	test.each([0.4, 0.7, 1, 1.3])('a face as high as %d of the picture is found', async (share) => {
		for (const photo of [FACE_PHOTOS.sample1, FACE_PHOTOS.sample5]) {
			for (const face of photo.faces.slice(0, 2)) {
				const [largest] = await detectPhoto(detector, await closeUp(photo, face, share));
				expect(largest?.box.height).toBeGreaterThan(600 * Math.min(1, share) * 0.6);
			}
		}
	});

	test.each([90, 180, 270])('photos turned by %i degrees keep most of their faces', async (degrees) => {
		let found = 0;
		for (const { path } of SAMPLE_PHOTOS) {
			const turned = await sharp(path).rotate(degrees).toBuffer();
			const metadata = await sharp(turned).metadata();
			expect(metadata.orientation).toBeUndefined();
			const faces = await detectPhoto(detector, turned);
			found += faces.length;
			for (const { box } of faces) {
				expect(box.x + box.width).toBeLessThanOrEqual(metadata.width);
				expect(box.y + box.height).toBeLessThanOrEqual(metadata.height);
			}
		}
		const all = SAMPLE_PHOTOS.reduce((sum, { faces }) => sum + faces, 0);
		expect(found).toBeGreaterThanOrEqual(all - 2);
		expect(found).toBeLessThanOrEqual(all + 1);
	});

	test('a turned photo is answered in its own coordinates, and with a head that lies on its side', async () => {
		const { path, width, height, faces } = FACE_PHOTOS.sample5;
		const found = await detectPhoto(detector, await sharp(path).rotate(90).toBuffer());
		expect(found.every(({ detectorPass }) => detectorPass === 'rotated_270')).toBe(true);
		for (const { box } of faces) {
			// Turned clockwise: what was at the bottom is on the left now.
			const center = { x: height - (box.y + box.height / 2), y: box.x + box.width / 2 };
			const face = found.find(
				(each) =>
					Math.abs(each.box.x + each.box.width / 2 - center.x) < box.height / 3 &&
					Math.abs(each.box.y + each.box.height / 2 - center.y) < box.height / 3,
			);
			expect(face?.pose?.roll).toBeGreaterThan(55);
			expect(face?.pose?.roll).toBeLessThan(125);
		}
		expect(width).toBeGreaterThan(height);
	});

	test('faces of 24 pixels are found in a photo of 36 megapixels', async () => {
		const { path, faces } = FACE_PHOTOS.sample4;
		// Its faces are 152 x 257 pixels in the mean, and now 18 x 31: as large as a square of 24.
		const small = await sharp(path).resize(230).toBuffer();
		const photo = await sharp({ create: { width: 7348, height: 4900, channels: 3, background: '#7d8a76' } })
			.composite([
				{ input: small, left: 1200, top: 900 },
				{ input: small, left: 5600, top: 3700 },
			])
			.jpeg({ quality: 95 })
			.toBuffer();
		const found = await detectPhoto(detector, photo);
		expect(found.length).toBeGreaterThanOrEqual(2 * faces.length - 2);
		expect(found.length).toBeLessThanOrEqual(2 * faces.length);
		for (const { box, detectorPass } of found) {
			expect(detectorPass).toBe('tiles');
			expect(box.height).toBeGreaterThan(18);
			expect(box.height).toBeLessThan(45);
		}
	});

	test('a usual photo costs the plain look, and says how well it shows each face', async () => {
		const { path, faces } = FACE_PHOTOS.sample5;
		const found = await detectPhoto(detector, await sharp(path).toBuffer());
		expect(found).toHaveLength(faces.length);
		for (const { detectorPass, quality, pose } of found) {
			expect(detectorPass).toBe('plain');
			expect(quality).toBeGreaterThan(0.6);
			expect(Math.abs(pose?.roll ?? 180)).toBeLessThan(30);
			expect(Math.abs(pose?.yaw ?? 180)).toBeLessThan(45);
		}
	});

	test('only faces of the wanted size and score are answered', async () => {
		const { image, width, height } = await decodeForDetection(FACE_PHOTOS.sample6.path, {
			maxSide: detector.inputSide,
			maxPixels: 100_000_000,
			timeoutMs: 60_000,
		});
		const source = { width, height };
		const all = await detector.detect(image, { source });
		const sides = all.map(({ box }) => (Math.min(box.width, box.height) * width) / image.width);
		const minFaceSize = (Math.min(...sides) + Math.max(...sides)) / 2;
		const large = await detector.detect(image, { source, minFaceSize });
		expect(large).toEqual(all.filter((_, index) => (sides[index] ?? 0) >= minFaceSize));
		expect(large.length).toBeLessThan(all.length);
		expect(await detector.detect(image, { source, scoreThreshold: 1 })).toEqual([]);
	});
});
