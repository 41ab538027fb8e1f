import type { WireBox } from '@facet/contracts';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Answer, Facet } from '../support/facet.ts';
import { startHttpServer } from '../support/http-server.ts';
import { OBJECT_STORES, type StoreSetup } from '../support/object-stores.ts';
import { s3Environment, startS3Server } from '../support/s3-server.ts';
import { samplePhoto } from '../support/sample-photos.ts';

describe.each(OBJECT_STORES)('crops in the %s store', (_, setUp) => {
	let store: StoreSetup;
	let facet: Facet;

	beforeAll(async () => {
		store = await setUp();
		facet = await Facet.start(inject('redisUrl'), store.environment);
	});

	afterAll(async () => {
		await facet?.stop();
		await store?.stop();
	});

	it('are fetched by their links, and hold the face that their landmarks claim', async () => {
		const photo = await samplePhoto(4);
		const frame = frameOf(await facet.detect({ img: photo.toString('base64'), return_face_url: true }));
		expect(frame.region).toHaveLength(4);
		expect(frame.face_urls).toHaveLength(4);
		for (const [index, url] of (frame.face_urls ?? []).entries()) {
			const [x, y, width, height] = itemAt(frame.crop_region, index);
			expectThirdOfWidthAround([x, y, width, height], itemAt(frame.region, index), [1920, 1448]);

			const response = await fetch(url ?? '');
			expect(response.status).toBe(200);
			expect(response.headers.get('content-type')).toBe('image/jpeg');
			expect(response.headers.get('cache-control')).toMatch(/max-age=\d+/);
			const crop = Buffer.from(await response.arrayBuffer());
			expect(await sharp(crop).metadata()).toMatchObject({ format: 'jpeg', width, height });

			// Landmarks of the crop are those of the picture, moved.
			const moved = itemAt(frame.landmarks, index)
				.slice(0, 4)
				.map(([px, py]) => `${px - x},${py - y}`);
			expect(itemAt(frame.crop_landmarks, index)).toBe(moved.join(':'));

			// Its pixels are those of the picture at full resolution.
			const cut = await sharp(photo).extract({ left: x, top: y, width, height }).raw().toBuffer();
			expect(meanDifference(cut, await sharp(crop).raw().toBuffer())).toBeLessThan(4);

			// And a face is found in it, where the landmarks say.
			const again = frameOf(await facet.detect({ img: crop.toString('base64'), single_face: true }));
			const eyes = itemAt(again.landmarks, 0).slice(0, 2);
			const expected = moved.slice(0, 2).map((text) => text.split(',').map(Number));
			for (const [eye, [ex = 0, ey = 0]] of eyes.map((point, i) => [point, expected[i] ?? []] as const)) {
				expect(Math.hypot(eye[0] - ex, eye[1] - ey)).toBeLessThan(width * 0.08);
			}
		}
	});

	it('are those of the upright picture when EXIF turns it', async () => {
		const upright = await sharp(await samplePhoto(2))
			.resize(1200)
			.png()
			.toBuffer();
		const turned = await sharp(upright).rotate(270).png().toBuffer();
		const tagged = await sharp(turned).withMetadata({ orientation: 6 }).jpeg({ quality: 95 }).toBuffer();
		const frame = frameOf(
			await facet.detect({ img: tagged.toString('base64'), return_face_url: true, single_face: true }),
		);
		const [left, top, width, height] = itemAt(frame.crop_region, 0);
		const crop = Buffer.from(await (await fetch(itemAt(frame.face_urls, 0) ?? '')).arrayBuffer());
		const cut = await sharp(upright).extract({ left, top, width, height }).removeAlpha().raw().toBuffer();
		expect(meanDifference(cut, await sharp(crop).raw().toBuffer())).toBeLessThan(5);
	});

	it('have links that cannot be altered', async () => {
		const img = (await samplePhoto(1)).toString('base64');
		const frame = frameOf(await facet.detect({ img, return_face_url: true }));
		const link = new URL(itemAt(frame.face_urls, 0) ?? '');
		link.pathname = link.pathname.replace('0-0.jpg', '0-1.jpg');
		const response = await fetch(link);
		await response.body?.cancel();
		// s3rver does not verify signatures of other keys as AWS does, but answers with an error all the same.
		expect(response.ok).toBe(false);
	});
});

it('a crop that cannot be stored is null in its place, and the job succeeds', async () => {
	const server = await startS3Server();
	const facet = await Facet.start(inject('redisUrl'), {
		...s3Environment(server),
		S3_BUCKET: 'no-such-bucket',
	});
	try {
		// By URL, so that nothing but the crops needs the store.
		const photo = await samplePhoto(1);
		const files = await startHttpServer((_request, response) => response.end(photo));
		const frame = frameOf(await facet.detect({ url: `${files.url}/photo.jpg`, return_face_url: true }));
		await files.close();
		expect(frame.face_urls).toEqual([null, null, null]);
		expect(frame.crop_region).toHaveLength(3);
		expect(frame.crop_landmarks).toHaveLength(3);
	} finally {
		await facet.stop();
		await server.stop();
	}
});

function frameOf({ body }: Answer) {
	const frame = body.faces_obj['0'];
	if (frame === undefined) throw new Error(`no frame in ${JSON.stringify(body)}`);
	return frame;
}

function itemAt<T>(list: readonly T[] | null, index: number): T {
	const item = list?.[index];
	if (item === undefined) throw new Error(`no item ${index}`);
	return item;
}

function expectThirdOfWidthAround(crop: WireBox, [x, y, w, h]: WireBox, [width, height]: [number, number]) {
	const margin = Math.round(w / 3);
	const left = Math.max(0, x - margin);
	const top = Math.max(0, y - margin);
	expect(crop).toEqual([
		left,
		top,
		Math.min(width, x + w + margin) - left,
		Math.min(height, y + h + margin) - top,
	]);
}

function meanDifference(a: Buffer, b: Buffer): number {
	expect(a.length).toBe(b.length);
	return a.reduce((sum, value, index) => sum + Math.abs(value - (b[index] ?? 0)), 0) / a.length;
}
