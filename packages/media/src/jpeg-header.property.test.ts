import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { type JpegHeader, readJpegHeader } from './jpeg-header.ts';

fc.configureGlobal({ seed: 7, numRuns: 1500 });

const ORDERS = ['II', 'MM'] as const;
type Order = (typeof ORDERS)[number];

interface Entry {
	readonly tag: number;
	readonly type: number;
	readonly count: number;
	readonly value: number;
}

const SHORT = 3;
const orientationOf = (value: number): Entry => ({ tag: 0x0112, type: SHORT, count: 1, value });

/** An EXIF block of one directory, `at` bytes into it. */
function exif(order: Order, entries: readonly Entry[], at = 8): Buffer {
	const tiff = Buffer.alloc(at + 2 + 12 * entries.length + 4);
	const is = order === 'II';
	const uint16 = (value: number, to: number) =>
		is ? tiff.writeUInt16LE(value, to) : tiff.writeUInt16BE(value, to);
	const uint32 = (value: number, to: number) =>
		is ? tiff.writeUInt32LE(value, to) : tiff.writeUInt32BE(value, to);
	tiff.write(order, 0, 'latin1');
	uint16(42, 2);
	uint32(at, 4);
	uint16(entries.length, at);
	for (const [index, { tag, type, count, value }] of entries.entries()) {
		const entry = at + 2 + 12 * index;
		uint16(tag, entry);
		uint16(type, entry + 2);
		uint32(count, entry + 4);
		uint16(value, entry + 8);
	}
	return segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]));
}

function segment(marker: number, body: Buffer): Buffer {
	const header = Buffer.from([0xff, marker, 0, 0]);
	header.writeUInt16BE(body.length + 2, 2);
	return Buffer.concat([header, body]);
}

function iccChunk(number: number, count: number, profile: Buffer): Buffer {
	return segment(
		0xe2,
		Buffer.concat([Buffer.from('ICC_PROFILE\0', 'latin1'), Buffer.from([number, count]), profile]),
	);
}

/** A picture with segments of ours behind its start. */
const withSegments = (jpeg: Buffer, ...segments: readonly Buffer[]) =>
	Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)]);

function picture(width: number, height: number) {
	return sharp({ create: { width, height, channels: 3, background: '#336699' } });
}

/** What libvips reads. */
async function byLibvips(jpeg: Buffer): Promise<JpegHeader> {
	const { width, height, orientation = 1, icc } = await sharp(jpeg).metadata();
	return { width, height, orientation, icc };
}

const plain = await picture(40, 24).jpeg().toBuffer();
const tagged = await picture(40, 24).withIccProfile('p3').jpeg().toBuffer();

const ORDINARY: readonly (readonly [string, Buffer])[] = [
	['plain', plain],
	['with a profile', tagged],
	['progressive', await picture(300, 200).jpeg({ progressive: true }).toBuffer()],
	['grey', await picture(31, 1).greyscale().jpeg().toBuffer()],
	['on its side', await picture(30, 20).withMetadata({ orientation: 6 }).jpeg().toBuffer()],
	['of the largest side', await picture(65_500, 1).jpeg().toBuffer()],
	['with a comment', withSegments(plain, segment(0xfe, Buffer.from('a comment')))],
	[
		'with XMP beside EXIF',
		withSegments(
			plain,
			exif('II', [orientationOf(3)]),
			segment(0xe1, Buffer.from('http://ns.adobe.com/xap/1.0/\0<x/>')),
		),
	],
];
const ODD: readonly (readonly [string, Buffer])[] = [
	['CMYK', await picture(8, 8).toColourspace('cmyk').jpeg().toBuffer()],
	['another format', await picture(8, 8).png().toBuffer()],
	['no bytes', Buffer.alloc(0)],
	['two EXIF blocks', withSegments(plain, exif('II', [orientationOf(6)]), exif('II', [orientationOf(8)]))],
	['two orientations', withSegments(plain, exif('MM', [orientationOf(6), orientationOf(8)]))],
	['an orientation that there is not', withSegments(plain, exif('MM', [orientationOf(9)]))],
	[
		'a profile in two chunks',
		withSegments(plain, iccChunk(1, 2, Buffer.alloc(9)), iccChunk(2, 2, Buffer.alloc(9))),
	],
	['two profiles', withSegments(tagged, iccChunk(1, 1, Buffer.alloc(9)))],
	['an unknown segment', withSegments(plain, segment(0xdc, Buffer.from([0, 24])))],
	['bytes between segments', withSegments(plain, Buffer.from([0]))],
];

describe('readJpegHeader', () => {
	it.each(ORDINARY)('reads a picture, %s, as libvips does', async (_, jpeg) => {
		const header = readJpegHeader(jpeg);
		expect(header).toBeDefined();
		expect(header).toEqual(await byLibvips(jpeg));
	});

	it.each(ODD)('leaves %s to libvips', (_, bytes) => {
		expect(readJpegHeader(bytes)).toBeUndefined();
	});

	it('needs the header and no byte more', () => {
		const size = plain.indexOf(Buffer.from([0xff, 0xc0]));
		const end = size + 2 + plain.readUInt16BE(size + 2);
		for (let length = 0; length < end; length += 1)
			expect(readJpegHeader(plain.subarray(0, length))).toBeUndefined();
		expect(readJpegHeader(plain.subarray(0, end))).toMatchObject({ width: 40, height: 24 });
	});

	it('finds the orientation wherever it is, as libvips does', async () => {
		const other = fc.record({
			tag: fc.integer({ min: 0, max: 0xffff }).filter((tag) => tag !== 0x0112),
			type: fc.constantFrom(SHORT, 4),
			count: fc.constant(1),
			value: fc.integer({ min: 0, max: 0xffff }),
		});
		await fc.assert(
			fc.asyncProperty(
				fc.constantFrom(...ORDERS),
				fc.integer({ min: 1, max: 8 }),
				fc.array(other, { maxLength: 5 }),
				fc.array(other, { maxLength: 5 }),
				async (order, value, before, after) => {
					const jpeg = withSegments(plain, exif(order, [...before, orientationOf(value), ...after]));
					expect(readJpegHeader(jpeg)).toMatchObject({ orientation: value });
					expect(await byLibvips(jpeg)).toMatchObject({ orientation: value });
				},
			),
			{ numRuns: 200 },
		);
	});

	it('agrees with libvips on whatever damage it does not leave to it', async () => {
		const whole = withSegments(tagged, exif('MM', [orientationOf(6)]));
		const head = whole.indexOf(Buffer.from([0xff, 0xc0])) + 19;
		let read = 0;
		await fc.assert(
			fc.asyncProperty(
				fc.array(fc.tuple(fc.nat({ max: head }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }),
				async (damage) => {
					const jpeg = Buffer.from(whole);
					for (const [at, byte] of damage) jpeg[at] = byte;
					const header = readJpegHeader(jpeg);
					const other = await byLibvips(jpeg).catch(() => undefined);
					if (header === undefined || other === undefined) return;
					read += 1;
					const { icc, ...rest } = header;
					expect(other).toMatchObject(rest);
					// libvips drops a profile that it cannot use; the pixels then come out as without one.
					if (other.icc !== undefined) expect(icc).toEqual(other.icc);
				},
			),
		);
		expect(read).toBeGreaterThan(500);
	});
});
