import { readFile } from 'node:fs/promises';
import type { WireBox, WireFrame } from '@facet/contracts';
import sharp, { type OutputInfo, type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type AnswerBody, Facet } from '../support/facet.ts';
import { startHttpServer, type TestServer } from '../support/http-server.ts';
import { SAMPLE_PHOTOS, samplePhoto } from '../support/sample-photos.ts';

let facet: Facet;
let files: TestServer;
const served = new Map<string, Buffer>();

beforeAll(async () => {
	facet = await Facet.start(inject('redisUrl'));
	files = await startHttpServer((request, response) => {
		const bytes = served.get(request.url ?? '');
		// Whatever the file is, the header and the name lie about it.
		response.writeHead(bytes ? 200 : 404, { 'content-type': 'text/plain' }).end(bytes);
	});
});

afterAll(async () => {
	await facet?.stop();
	await files?.close();
});

/** Serves the bytes and returns their URL. */
function serve(bytes: Buffer, name: string): string {
	served.set(`/${name}`, bytes);
	return `${files.url}/${name}`;
}

function onlyFrame(body: AnswerBody): WireFrame {
	expect(body).toMatchObject({ error_code: 0, error_msg: 'SUCCESS' });
	expect(Object.keys(body.faces_obj)).toEqual(['0']);
	const frame = body.faces_obj['0'];
	if (frame === undefined) throw new Error('no frame 0');
	return frame;
}

async function detectFrame(body: object): Promise<WireFrame> {
	return onlyFrame((await facet.detect(body)).body);
}

function leftToRight(frame: WireFrame): WireBox[] {
	return [...frame.region].sort((a, b) => a[0] - b[0]);
}

/** Intersection over union of two wire boxes. */
function overlap([ax, ay, aw, ah]: WireBox, [bx, by, bw, bh]: WireBox): number {
	const width = Math.max(0, Math.min(ax + aw, bx + bw) - Math.max(ax, bx));
	const height = Math.max(0, Math.min(ay + ah, by + bh) - Math.max(ay, by));
	const both = width * height;
	return both / (aw * ah + bw * bh - both);
}

/** Asserts that two lists of boxes are the same faces. */
function expectSameFaces(actual: WireBox[], expected: WireBox[], minimum: number): void {
	expect(actual).toHaveLength(expected.length);
	expected.forEach((box, index) => {
		expect(overlap(box, actual[index] ?? [0, 0, 0, 0])).toBeGreaterThan(minimum);
	});
}

describe('sample photos', () => {
	it.each(SAMPLE_PHOTOS)('$name has $faces faces by URL, base64 and data URI alike', async (photo) => {
		const bytes = await readFile(photo.path);
		const base64 = bytes.toString('base64');
		const byUrl = await detectFrame({ url: serve(bytes, photo.name) });
		expect(byUrl.region).toHaveLength(photo.faces);
		expect(await detectFrame({ img: base64 })).toEqual(byUrl);
		expect(await detectFrame({ img: `data:image/jpeg;base64,${base64}` })).toEqual(byUrl);
	});

	it('gives every field of the contract, in whole pixels of the picture', async () => {
		const frame = await detectFrame({ img: (await samplePhoto(1)).toString('base64') });
		expect(frame).toMatchObject({
			removed: [],
			frame_time: null,
			face_urls: null,
			crop_region: null,
			crop_landmarks: null,
		});
		expect(frame.landmarks).toHaveLength(3);
		frame.landmarks.forEach((points, index) => {
			const [x, y, width, height] = frame.region[index] ?? [0, 0, 0, 0];
			expect([x, y, x + width, y + height].every(Number.isInteger)).toBe(true);
			expect(x).toBeGreaterThanOrEqual(0);
			expect(y).toBeGreaterThanOrEqual(0);
			expect(x + width).toBeLessThanOrEqual(1920);
			expect(y + height).toBeLessThanOrEqual(1280);
			expect(points).toHaveLength(6);
			const [leftEye, rightEye, nose, mouth, mouthLeft, mouthRight] = points as [number, number][];
			// The order of an upright face: eyes above nose above mouth, left is left in the picture.
			expect(leftEye?.[0]).toBeLessThan(rightEye?.[0] ?? 0);
			expect(mouthLeft?.[0]).toBeLessThan(mouthRight?.[0] ?? 0);
			expect(leftEye?.[1]).toBeLessThan(nose?.[1] ?? 0);
			expect(nose?.[1]).toBeLessThan(mouth?.[1] ?? 0);
			expect(mouth?.[0]).toBeGreaterThan(mouthLeft?.[0] ?? 0);
			expect(mouth?.[0]).toBeLessThan(mouthRight?.[0] ?? 0);
			for (const [px, py] of points) {
				expect(px).toBeGreaterThan(x - width * 0.2);
				expect(px).toBeLessThan(x + width * 1.2);
				expect(py).toBeGreaterThan(y - height * 0.2);
				expect(py).toBeLessThan(y + height * 1.2);
			}
			expect(frame.landmarks_str[index]).toBe(
				points
					.slice(0, 4)
					.map(([px, py]) => `${px},${py}`)
					.join(':'),
			);
		});
	});

	it('answers the path of the original service too', async () => {
		const body = { img: (await samplePhoto(2)).toString('base64') };
		const answer = await facet.detect(body, {}, '/interface/detect-api/detect_faces');
		expect(onlyFrame(answer.body).region).toHaveLength(3);
	});

	it('takes `url` before `img`, and an empty string or null for absent', async () => {
		const url = serve(await samplePhoto(5), 'five.jpg');
		const img = (await samplePhoto(1)).toString('base64');
		expect((await detectFrame({ url, img })).region).toHaveLength(5);
		expect((await detectFrame({ url: '', img })).region).toHaveLength(3);
		expect((await detectFrame({ url: null, img, num_frames: null })).region).toHaveLength(3);
	});

	it('returns only the largest face with single_face', async () => {
		const img = (await samplePhoto(5)).toString('base64');
		const all = await detectFrame({ img });
		const single = await detectFrame({ img, single_face: true });
		const largest = [...all.region].sort((a, b) => b[2] * b[3] - a[2] * a[3])[0];
		expect(single.region).toEqual([largest]);
		expect(single.landmarks).toHaveLength(1);
		expect(single.landmarks_str).toHaveLength(1);
	});

	it('takes a photo of 20 MB as base64', async () => {
		const large = await sharp(await samplePhoto(6))
			.resize(2900)
			.tiff({ compression: 'none' })
			.toBuffer();
		expect(large.length).toBeGreaterThan(20_000_000);
		expect((await detectFrame({ img: large.toString('base64') })).region).toHaveLength(4);
	});

	it('answers a picture without a face with an empty frame and success', async () => {
		const sky = await sharp({ create: { width: 640, height: 480, channels: 3, background: '#7ab' } })
			.jpeg()
			.toBuffer();
		const frame = await detectFrame({ img: sky.toString('base64'), return_face_url: true });
		expect(frame).toEqual({
			landmarks: [],
			landmarks_str: [],
			region: [],
			removed: [],
			frame_time: null,
			face_urls: [],
			crop_region: [],
			crop_landmarks: [],
		});
	});

	it('answers fifty requests at once with each its own result', async () => {
		const photos = await Promise.all(
			SAMPLE_PHOTOS.map(async (photo) => {
				const small = await sharp(photo.path).resize(960).jpeg().toBuffer();
				const url = serve(small, `small-${photo.name}`);
				return { url, alone: await detectFrame({ url }) };
			}),
		);
		const answers = await Promise.all(
			Array.from({ length: 50 }, async (_, index) => {
				const { url, alone } = photos[index % photos.length] ?? {};
				const { status, headers, body } = await facet.detect({ url });
				return { status, jobId: headers.get('x-job-id'), frame: onlyFrame(body), alone };
			}),
		);
		for (const { status, frame, alone } of answers) {
			expect(status).toBe(200);
			expect(frame).toEqual(alone);
		}
		expect(new Set(answers.map(({ jobId }) => jobId)).size).toBe(50);
	});
});

describe('decoding', () => {
	/** How each EXIF orientation is stored: turn first, then mirror (TIFF 6.0, tag 274). */
	const STORED: Record<number, { turn: number; mirror?: 'flip' | 'flop' }> = {
		1: { turn: 0 },
		2: { turn: 0, mirror: 'flop' },
		3: { turn: 180 },
		4: { turn: 0, mirror: 'flip' },
		5: { turn: 90, mirror: 'flop' },
		6: { turn: 270 },
		7: { turn: 90, mirror: 'flip' },
		8: { turn: 90 },
	};

	it.each([1, 2, 3, 4, 5, 6, 7, 8])(
		'EXIF orientation %i gives the faces as a person sees them',
		async (tag) => {
			const upright = await sharp(await samplePhoto(3))
				.resize(1280)
				.png()
				.toBuffer();
			const { turn, mirror } = STORED[tag] ?? { turn: 0 };
			const turned = await sharp(upright).rotate(turn).png().toBuffer();
			const stored = mirror ? await sharp(turned)[mirror]().png().toBuffer() : turned;
			const tagged = await sharp(stored).withMetadata({ orientation: tag }).jpeg({ quality: 95 }).toBuffer();
			const expected = leftToRight(await detectFrame({ img: upright.toString('base64') }));
			expectSameFaces(leftToRight(await detectFrame({ img: tagged.toString('base64') })), expected, 0.85);
		},
	);

	const width = 1280;
	const formats: [string, (photo: Sharp) => Promise<Buffer>][] = [
		['progressive JPEG', (photo) => photo.jpeg({ progressive: true }).toBuffer()],
		['CMYK JPEG', (photo) => photo.toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer()],
		['grey JPEG', (photo) => photo.greyscale().jpeg().toBuffer()],
		['wide-gamut JPEG', (photo) => photo.withIccProfile('p3').jpeg().toBuffer()],
		['PNG', (photo) => photo.png().toBuffer()],
		['16-bit PNG', (photo) => photo.toColourspace('rgb16').png().toBuffer()],
		['palette PNG', (photo) => photo.png({ palette: true }).toBuffer()],
		['WebP', (photo) => photo.webp().toBuffer()],
		['AVIF', (photo) => photo.avif({ effort: 1 }).toBuffer()],
		['GIF', (photo) => photo.gif({ effort: 1 }).toBuffer()],
		['TIFF', (photo) => photo.tiff().toBuffer()],
		['BMP', async (photo) => toBmp(await photo.removeAlpha().raw().toBuffer({ resolveWithObject: true }))],
	];

	it.each(formats)('%s gives the same faces, whatever the name says', async (_, encode) => {
		const photo = sharp(await samplePhoto(4)).resize(width);
		const expected = leftToRight(
			await detectFrame({ img: (await photo.clone().png().toBuffer()).toString('base64') }),
		);
		const url = serve(await encode(photo.clone()), 'photo.mp4');
		expectSameFaces(leftToRight(await detectFrame({ url, return_face_url: true })), expected, 0.8);
	});

	it('puts transparency over white', async () => {
		const photo = sharp(await samplePhoto(4)).resize(width);
		const expected = leftToRight(
			await detectFrame({ img: (await photo.clone().png().toBuffer()).toString('base64') }),
		);
		const cutOut = await photo
			.clone()
			.ensureAlpha()
			.composite([{ input: await maskOfFaces(expected), blend: 'dest-in' }])
			.png()
			.toBuffer();
		const frame = await detectFrame({ img: cutOut.toString('base64') });
		expectSameFaces(leftToRight(frame), expected, 0.6);
	});

	it('takes the first frame of an animation', async () => {
		const page = async (number: 1 | 5) =>
			sharp(await samplePhoto(number))
				.resize(1280, 960, { fit: 'contain' })
				.png()
				.toBuffer();
		const pages = [await page(5), await page(1)];
		const animation = await sharp(pages, { join: { animated: true } })
			.gif({ effort: 1 })
			.toBuffer();
		expect((await detectFrame({ img: animation.toString('base64'), num_frames: 2 })).region).toHaveLength(5);
	});

	/** An opaque ellipse around each face, nothing elsewhere. */
	async function maskOfFaces(boxes: WireBox[]): Promise<Buffer> {
		const ellipses = boxes.map(
			([x, y, w, h]) => `<ellipse cx="${x + w / 2}" cy="${y + h / 2}" rx="${w * 1.2}" ry="${h * 1.1}"/>`,
		);
		const height = Math.round((width * 1448) / 1920);
		return Buffer.from(`<svg width="${width}" height="${height}">${ellipses.join('')}</svg>`);
	}
});

/** A 24-bit bottom-up BMP (BITMAPINFOHEADER). */
function toBmp({ data, info }: { data: Buffer; info: OutputInfo }): Buffer {
	const rowBytes = Math.ceil((info.width * 3) / 4) * 4;
	const bmp = Buffer.alloc(54 + rowBytes * info.height);
	bmp.write('BM');
	bmp.writeUInt32LE(bmp.length, 2);
	bmp.writeUInt32LE(54, 10);
	bmp.writeUInt32LE(40, 14);
	bmp.writeInt32LE(info.width, 18);
	bmp.writeInt32LE(info.height, 22);
	bmp.writeUInt16LE(1, 26);
	bmp.writeUInt16LE(24, 28);
	for (let y = 0; y < info.height; y += 1) {
		for (let x = 0; x < info.width; x += 1) {
			const from = (y * info.width + x) * 3;
			const to = 54 + (info.height - 1 - y) * rowBytes + x * 3;
			bmp[to] = data[from + 2] ?? 0;
			bmp[to + 1] = data[from + 1] ?? 0;
			bmp[to + 2] = data[from] ?? 0;
		}
	}
	return bmp;
}
