import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeForDetection } from './picture.ts';

const WIDTH = 320;
const HEIGHT = 240;
const LIMITS = { maxSide: 200, maxPixels: 1e8, timeoutMs: 10_000 };

/** A picture that has something to say everywhere, so that half of its bytes are half of it. */
function busyPicture(frames = 1): Sharp {
	const height = HEIGHT * frames;
	const pixels = Buffer.alloc(WIDTH * height * 3);
	let state = 6;
	for (let at = 0; at < pixels.length; at += 1) {
		state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
		pixels[at] = 100 + (at % 97) + (state % 40);
	}
	return sharp(pixels, { raw: { width: WIDTH, height, channels: 3, pageHeight: HEIGHT } });
}

const decode = (bytes: Buffer) => decodeForDetection(bytes, LIMITS);

const FORMATS: readonly (readonly [string, (picture: Sharp) => Sharp])[] = [
	['JPEG', (picture) => picture.jpeg()],
	['progressive JPEG', (picture) => picture.jpeg({ progressive: true })],
	['CMYK JPEG', (picture) => picture.toColourspace('cmyk').jpeg()],
	['PNG', (picture) => picture.png()],
	['interlaced PNG', (picture) => picture.png({ progressive: true })],
	['WebP', (picture) => picture.webp()],
	['lossless WebP', (picture) => picture.webp({ lossless: true, effort: 0 })],
	['GIF', (picture) => picture.gif({ effort: 1 })],
	['TIFF', (picture) => picture.tiff({ compression: 'lzw' })],
	['AVIF', (picture) => picture.avif({ effort: 0 })],
];

describe.each(FORMATS)('a %s', (_, encode) => {
	it('cut off in its middle, or near its end, is corrupt', async () => {
		const bytes = await encode(busyPicture()).toBuffer();
		for (const share of [0.1, 0.5, 0.95]) {
			await expect(decode(bytes.subarray(0, bytes.length * share))).rejects.toThrow(/corrupt_media/);
		}
	});

	it('with other bytes after it is whole', async () => {
		const bytes = await encode(busyPicture()).toBuffer();
		const followed = await decode(Buffer.concat([bytes, Buffer.alloc(5000, 7)]));
		expect(Buffer.compare(followed.image.data, (await decode(bytes)).image.data)).toBe(0);
	});
});

/** Where a JPEG has its frame header, or its first scan. */
function findSegment(jpeg: Buffer, isWanted: (marker: number) => boolean): number {
	let at = 2;
	while (!isWanted(jpeg.readUInt8(at + 1))) at += 2 + jpeg.readUInt16BE(at + 2);
	return at;
}

function withSize(jpeg: Buffer, width: number, height: number): Buffer {
	const lying = Buffer.from(jpeg);
	const frame = findSegment(lying, (marker) => marker === 0xc0 || marker === 0xc2);
	lying.writeUInt16BE(Math.round(height), frame + 5);
	lying.writeUInt16BE(Math.round(width), frame + 7);
	return lying;
}

/** What a header claims, by how many times the true width and height. */
const LARGER_CLAIMS = [
	['twice as high', 1, 2],
	['twice as wide', 2, 1],
	['half as high again', 1, 1.5],
	['many times as high', 1, 40],
] as const;

const JPEGS: readonly (readonly [string, (picture: Sharp) => Sharp])[] = [
	...FORMATS.slice(0, 3),
	['grey JPEG', (picture) => picture.greyscale().jpeg()],
	['JPEG on its side', (picture) => picture.withMetadata({ orientation: 6 }).jpeg()],
	['JPEG upside down', (picture) => picture.withMetadata({ orientation: 3 }).jpeg()],
	['JPEG in other colours', (picture) => picture.withIccProfile('p3').jpeg()],
];

describe.each(JPEGS)('a %s whose header lies about its size', (_, encode) => {
	it.each(LARGER_CLAIMS)('%s is corrupt', async (_size, width, height) => {
		const jpeg = await encode(busyPicture()).toBuffer();
		await expect(decode(withSize(jpeg, WIDTH * width, HEIGHT * height))).rejects.toThrow(
			/corrupt_media: a quarter of the picture or more is missing/,
		);
	});

	it('a few rows higher is taken as it is', async () => {
		const jpeg = await encode(busyPicture()).toBuffer();
		await expect(decode(withSize(jpeg, WIDTH, HEIGHT + 16))).resolves.toBeDefined();
	});

	it('less high is the part that its header tells of', async () => {
		const jpeg = await encode(busyPicture()).toBuffer();
		const { width, height } = await decode(withSize(jpeg, WIDTH, HEIGHT / 2));
		expect([width, height].sort()).toEqual([HEIGHT / 2, WIDTH]);
	});
});

function gifWithSize(gif: Buffer, width: number, height: number): Buffer {
	const lying = Buffer.from(gif);
	// Behind the header, its table of colours and what sharp writes before a frame.
	const frame = lying.indexOf(
		Buffer.from('2c00000000', 'hex'),
		13 + 3 * 2 ** ((lying.readUInt8(10) & 7) + 1),
	);
	for (const at of [6, frame + 5]) {
		lying.writeUInt16LE(width, at);
		lying.writeUInt16LE(height, at + 2);
	}
	return lying;
}

const GIFS: readonly (readonly [string, (picture: Sharp) => Sharp])[] = [
	['GIF', (picture) => picture.gif({ effort: 1 })],
	['interlaced GIF', (picture) => picture.gif({ effort: 1, progressive: true })],
	['GIF of four colours', (picture) => picture.gif({ effort: 1, colours: 4 })],
	['animated GIF', () => busyPicture(2).gif({ effort: 1 })],
];

describe.each(GIFS)('a %s whose header lies about its size', (_, encode) => {
	it.each(LARGER_CLAIMS)('%s is corrupt', async (_size, width, height) => {
		const gif = await encode(busyPicture()).toBuffer();
		await expect(decode(gifWithSize(gif, WIDTH * width, HEIGHT * height))).rejects.toThrow(
			/corrupt_media: a quarter of the picture or more is missing/,
		);
	});

	it('a few rows higher is taken as it is', async () => {
		const gif = await encode(busyPicture()).toBuffer();
		await expect(decode(gifWithSize(gif, WIDTH, HEIGHT + 16))).resolves.toMatchObject({
			height: HEIGHT + 16,
		});
	});
});

describe('a GIF that is whole', () => {
	it('is taken where most of it is of one colour, or not covered by its first frame', async () => {
		const background = { create: { width: WIDTH, height: HEIGHT, channels: 3 as const, background: '#fff' } };
		const small = await busyPicture().resize(60, 60).png().toBuffer();
		const drawing = await sharp(background)
			.composite([{ input: small, left: 10, top: 10 }])
			.gif({ effort: 1 })
			.toBuffer();
		await expect(decode(drawing)).resolves.toMatchObject({ width: WIDTH, height: HEIGHT });
		const onLargerScreen = await busyPicture().gif({ effort: 1 }).toBuffer();
		onLargerScreen.writeUInt16LE(HEIGHT * 2, 8);
		await expect(decode(onLargerScreen)).resolves.toMatchObject({ height: HEIGHT * 2 });
	});
});

describe('a TIFF of tiles', () => {
	const tiles = (picture: Sharp) =>
		picture.tiff({ compression: 'lzw', tile: true, tileWidth: 64, tileHeight: 64 }).toBuffer();

	/** The height, in the directory of a file that begins with its least significant bytes. */
	function withHeight(tiff: Buffer, height: number): Buffer {
		const lying = Buffer.from(tiff);
		const directory = lying.readUInt32LE(4);
		const entries = Array.from(
			{ length: lying.readUInt16LE(directory) },
			(_, place) => directory + 2 + 12 * place,
		);
		const entry = entries.find((at) => lying.readUInt16LE(at) === 257);
		lying.writeUInt16LE(height, (entry ?? 0) + 8);
		return lying;
	}

	it.each([1.5, 2, 40])('that has not all of them is corrupt: %d times as high', async (times) => {
		const tiff = await tiles(busyPicture());
		await expect(decode(withHeight(tiff, HEIGHT * times))).rejects.toThrow(
			/corrupt_media: a quarter of the picture or more is missing/,
		);
	});

	it('that has all of them is taken, also where they are of one colour', async () => {
		const dark = { create: { width: WIDTH, height: HEIGHT, channels: 3 as const, background: '#000' } };
		const half = sharp(dark).composite([
			{
				input: await busyPicture()
					.resize(WIDTH, HEIGHT / 2)
					.png()
					.toBuffer(),
				top: 0,
				left: 0,
			},
		]);
		await expect(decode(await tiles(half))).resolves.toMatchObject({ width: WIDTH, height: HEIGHT });
	});
});

describe('a JPEG as cameras and editors leave it', () => {
	const exif = (content: string) => {
		const body = Buffer.from(`Exif\0\0${content}`, 'latin1');
		return Buffer.concat([Buffer.from([0xff, 0xe1, 0, body.length + 2]), body]);
	};

	it.each([
		['a broken EXIF', exif('II*\0\xff\xff\xff\xffgarbage')],
		['an EXIF that ends at once', exif('MM')],
		['stray bytes between its segments', Buffer.from('0011223344', 'hex')],
	])('with %s is taken', async (_, inserted) => {
		const jpeg = await busyPicture().jpeg().toBuffer();
		const at = findSegment(jpeg, (marker) => marker === 0xdb);
		const odd = Buffer.concat([jpeg.subarray(0, at), inserted, jpeg.subarray(at)]);
		expect(Buffer.compare((await decode(odd)).image.data, (await decode(jpeg)).image.data)).toBe(0);
	});

	it('with a few bits flipped is taken', async () => {
		const jpeg = await busyPicture().jpeg().toBuffer();
		const scan = findSegment(jpeg, (marker) => marker === 0xda);
		for (const share of [0.3, 0.5, 0.9]) {
			const at = Math.floor(scan + 20 + (jpeg.length - scan - 40) * share);
			jpeg.writeUInt8(jpeg.readUInt8(at) ^ 4, at);
		}
		await expect(decode(jpeg)).resolves.toMatchObject({ width: WIDTH, height: HEIGHT });
	});

	it('that is half plain grey is taken, warnings or not', async () => {
		const grey = { create: { width: WIDTH, height: HEIGHT, channels: 3 as const, background: '#808080' } };
		const half = await busyPicture()
			.composite([{ input: grey, left: 0, top: HEIGHT / 2 }])
			.png()
			.toBuffer();
		const jpeg = await sharp(half).jpeg().toBuffer();
		await expect(decode(jpeg)).resolves.toBeDefined();
		const at = findSegment(jpeg, (marker) => marker === 0xdb);
		const stray = Buffer.concat([jpeg.subarray(0, at), Buffer.alloc(9), jpeg.subarray(at)]);
		await expect(decode(stray)).resolves.toBeDefined();
	});
});
