import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';

/** Pictures that are made to hurt whoever decodes them. */

const PNG_SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
const GRAY_8 = { bits: 8, type: 0 };
const MEGABYTE = 1024 * 1024;

/** A chunk of a PNG: length, type, data, checksum. */
function chunk(type: string, data: Buffer): Buffer {
	const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
	const length = Buffer.alloc(4);
	length.writeUInt32BE(data.length);
	const checksum = Buffer.alloc(4);
	checksum.writeUInt32BE(crc32(body));
	return Buffer.concat([length, body, checksum]);
}

function header(width: number, height: number, { bits, type } = GRAY_8, interlaced = false): Buffer {
	const data = Buffer.alloc(13);
	data.writeUInt32BE(width, 0);
	data.writeUInt32BE(height, 4);
	data.set([bits, type, 0, 0, interlaced ? 1 : 0], 8);
	return chunk('IHDR', data);
}

function png(...chunks: readonly Buffer[]): Buffer {
	return Buffer.concat([PNG_SIGNATURE, ...chunks, chunk('IEND', Buffer.alloc(0))]);
}

/** A picture of this size in a few hundred bytes, with hardly any pixels. */
export function hugePng(width: number, height: number): Buffer {
	return png(header(width, height), chunk('IDAT', deflateSync(Buffer.alloc(1000))));
}

/** All its pixels are there: black, 16 bits of red, green, blue and alpha, in seven passes that need the whole picture. */
export function wholePng(side: number): Buffer {
	const pass = (first: number, step: number) => Math.ceil((side - first) / step);
	// Adam7: first column, first row, and the steps between them (PNG specification, 8.2).
	const passes = [
		[0, 0, 8, 8],
		[4, 0, 8, 8],
		[0, 4, 4, 8],
		[2, 0, 4, 4],
		[0, 2, 2, 4],
		[1, 0, 2, 2],
		[0, 1, 1, 2],
	] as const;
	const bytes = passes.reduce((sum, [x, y, stepX, stepY]) => {
		return sum + pass(y, stepY) * (1 + pass(x, stepX) * 8);
	}, 0);
	return png(
		header(side, side, { bits: 16, type: 6 }, true),
		chunk('IDAT', deflateSync(Buffer.alloc(bytes), { level: 1 })),
	);
}

const ONE_PIXEL = chunk('IDAT', deflateSync(Buffer.alloc(2)));

/** Texts and a colour profile that inflate to 64 MB each. */
export function inflatingPng(): Buffer {
	const bomb = deflateSync(Buffer.alloc(64 * MEGABYTE), { level: 9 });
	const named = Buffer.concat([Buffer.from('bomb\0\0', 'latin1'), bomb]);
	const texts = Array.from({ length: 20 }, () => chunk('zTXt', named));
	return png(header(1, 1), chunk('iCCP', named), ...texts, ONE_PIXEL);
}

/** One pixel by its header, 256 MB by its data. */
export function overfullPng(): Buffer {
	return png(header(1, 1), chunk('IDAT', deflateSync(Buffer.alloc(256 * MEGABYTE), { level: 1 })));
}

export function pngOfChunks(count: number): Buffer {
	const text = chunk('tEXt', Buffer.from('key\0value', 'latin1'));
	return png(header(1, 1), ...Array.from({ length: count }, () => text), ONE_PIXEL);
}

/** A square of so many pixels a side, in two colours; each frame has the data of one pixel. */
function gif(side: number, frames: number): Buffer {
	const size = Buffer.alloc(4);
	size.writeUInt16LE(side, 0);
	size.writeUInt16LE(side, 2);
	const frame = Buffer.concat([Buffer.from('2c00000000', 'hex'), size, Buffer.from('000202440100', 'hex')]);
	return Buffer.concat([
		Buffer.from('GIF89a', 'latin1'),
		size,
		Buffer.from([0x80, 0, 0, 0, 0, 0, 255, 255, 255]),
		...Array.from({ length: frames }, () => frame),
		Buffer.from(';'),
	]);
}

export const hugeGif = (): Buffer => gif(65_535, 1);
export const longGif = (frames: number): Buffer => gif(1, frames);

/** A small JPEG whose frame header claims another size. */
export async function lyingJpeg(width: number, height: number): Promise<Buffer> {
	const jpeg = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'white' } })
		.jpeg()
		.toBuffer();
	const frame = jpeg.indexOf('ffc0', 'hex');
	jpeg.writeUInt16BE(height, frame + 5);
	jpeg.writeUInt16BE(width, frame + 7);
	return jpeg;
}

/** A progressive JPEG whose last scan comes again and again, each a walk over the whole picture. */
export async function manyScansJpeg(side: number, scans: number): Promise<Buffer> {
	const jpeg = await sharp({ create: { width: side, height: side, channels: 3, background: 'white' } })
		.jpeg({ progressive: true })
		.toBuffer();
	const last = jpeg.lastIndexOf('ffda', undefined, 'hex');
	const scan = jpeg.subarray(last, jpeg.length - 2);
	return Buffer.concat([
		jpeg.subarray(0, last),
		...Array.from({ length: scans }, () => scan),
		jpeg.subarray(jpeg.length - 2),
	]);
}

/** A TIFF directory of one white pixel, which names itself as the next one. */
export function loopingTiff(): Buffer {
	return tiff(1, 1, 8);
}

export const hugeTiff = (): Buffer => tiff(65_535, 65_535, 0);

function tiff(width: number, height: number, nextDirectory: number): Buffer {
	const tags = [
		[256, 4, width],
		[257, 4, height],
		[258, 3, 8],
		[259, 3, 1],
		[262, 3, 1],
		[273, 4, 4],
		[277, 3, 1],
		[278, 4, height],
		[279, 4, 1],
	] as const;
	const bytes = Buffer.alloc(8 + 2 + tags.length * 12 + 4);
	// The one pixel is a byte of the header.
	bytes.write('II*\0', 0, 'latin1');
	bytes.writeUInt32LE(8, 4);
	bytes.writeUInt16LE(tags.length, 8);
	for (const [index, [tag, type, value]] of tags.entries()) {
		const at = 10 + index * 12;
		bytes.writeUInt16LE(tag, at);
		bytes.writeUInt16LE(type, at + 2);
		bytes.writeUInt32LE(1, at + 4);
		bytes.writeUInt32LE(value, at + 8);
	}
	bytes.writeUInt32LE(nextDirectory, bytes.length - 4);
	return bytes;
}

/** An AVIF whose property of the size (ISO 23008-12, 6.5.3) claims another one. */
export async function hugeAvif(): Promise<Buffer> {
	const avif = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'white' } })
		.avif({ effort: 0 })
		.toBuffer();
	const size = avif.indexOf('ispe');
	avif.writeUInt32BE(65_535, size + 8);
	avif.writeUInt32BE(65_535, size + 12);
	return avif;
}
