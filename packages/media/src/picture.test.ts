import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeForDetection } from './picture.ts';

const limits = { maxPixels: 1e8, timeoutMs: 10_000 };

function plain(
	width: number,
	height: number,
	background: string | { r: number; g: number; b: number; alpha: number },
) {
	return sharp({ create: { width, height, channels: 4, background } });
}

describe('decodeForDetection', () => {
	it('scales down to fit, keeps the aspect, and never up', async () => {
		const large = await decodeForDetection(await plain(800, 600, '#123456').png().toBuffer(), {
			maxSide: 400,
			...limits,
		});
		expect(large).toMatchObject({ width: 800, height: 600, image: { width: 400, height: 300 } });
		expect(large.image.data).toHaveLength(400 * 300 * 3);
		const small = await decodeForDetection(await plain(80, 60, '#123456').png().toBuffer(), {
			maxSide: 400,
			...limits,
		});
		expect(small.image).toMatchObject({ width: 80, height: 60 });
		expect([...small.image.data.subarray(0, 3)]).toEqual([0x12, 0x34, 0x56]);
	});

	it('gives the size as a person sees it', async () => {
		const lying = await plain(300, 200, 'red').withMetadata({ orientation: 6 }).jpeg().toBuffer();
		const picture = await decodeForDetection(lying, { maxSide: 100, ...limits });
		expect(picture).toMatchObject({
			width: 200,
			height: 300,
			orientation: 6,
			image: { width: 67, height: 100 },
		});
	});

	it('puts transparency over white', async () => {
		const clear = await plain(10, 10, { r: 0, g: 0, b: 0, alpha: 0 }).png().toBuffer();
		const { image } = await decodeForDetection(clear, { maxSide: 10, ...limits });
		expect([...image.data.subarray(0, 3)]).toEqual([255, 255, 255]);
	});

	it.each([
		['grey', (picture: Sharp) => picture.greyscale().jpeg()],
		['grey with alpha', (picture: Sharp) => picture.ensureAlpha().greyscale().png()],
		['16 bit', (picture: Sharp) => picture.toColourspace('rgb16').png()],
		['CMYK', (picture: Sharp) => picture.toColourspace('cmyk').jpeg()],
		['one bit', (picture: Sharp) => picture.greyscale().threshold(128).png({ palette: true, colours: 2 })],
	])('%s comes out as three channels of eight bits', async (_, encode) => {
		const bytes = await encode(plain(20, 10, '#808080')).toBuffer();
		const { image } = await decodeForDetection(bytes, { maxSide: 20, ...limits });
		expect(image.data).toHaveLength(20 * 10 * 3);
	});

	it('turns wide-gamut colours into sRGB', async () => {
		// The reddest red of Display P3 lies outside of sRGB and is clipped to its red; read as if it were sRGB, a lesser
		// one would come out too dull.
		const tagged = await plain(20, 20, '#cc3333').withIccProfile('p3').png().toBuffer();
		const { image } = await decodeForDetection(tagged, { maxSide: 20, ...limits });
		const [red = 0, green = 0, blue = 0] = image.data;
		expect(Math.abs(red - 0xcc) + Math.abs(green - 0x33) + Math.abs(blue - 0x33)).toBeLessThan(8);
	});

	it('leaves the pixels of a picture tagged sRGB as they are', async () => {
		// All levels of each channel, beside other ones.
		const levels = Buffer.from(
			Array.from({ length: 256 }, (_, level) => [level, (level * 7) % 256, 255 - level]).flat(),
		);
		const raw = { width: 256, height: 1, channels: 3 as const };
		const tagged = await sharp(levels, { raw }).withIccProfile('srgb').png().toBuffer();
		const { image } = await decodeForDetection(tagged, { maxSide: 256, ...limits });
		expect([...image.data]).toEqual([...levels]);
	});

	it('refuses too many pixels by the header', async () => {
		const bytes = await plain(1000, 1000, 'white').png().toBuffer();
		await expect(
			decodeForDetection(bytes, { maxSide: 100, maxPixels: 999_999, timeoutMs: 1000 }),
		).rejects.toThrow(/too_many_pixels: expected at most 999999 pixels, received 1000 x 1000/);
	});

	it('calls bytes that are no picture corrupt', async () => {
		const bytes = Buffer.from('\x89PNG\r\n\x1a\nnot really', 'latin1');
		await expect(decodeForDetection(bytes, { maxSide: 100, ...limits })).rejects.toThrow(/corrupt_media/);
		await expect(decodeForDetection(Buffer.alloc(0), { maxSide: 100, ...limits })).rejects.toThrow(
			/corrupt_media/,
		);
	});
});
