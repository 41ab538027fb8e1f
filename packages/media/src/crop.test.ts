import sharp from 'sharp';
import { expect, it } from 'vitest';
import { cropJpegs } from './crop.ts';

const limits = { maxPixels: 1e8, timeoutMs: 10_000 };

/** Four quarters of one colour each: red, green over blue, white. */
async function quarters(): Promise<Buffer> {
	const tile = (background: string) => ({
		create: { width: 100, height: 80, channels: 3 as const, background },
	});
	return sharp({ create: { width: 200, height: 160, channels: 3, background: 'white' } })
		.composite([
			{ input: tile('#ff0000'), left: 0, top: 0 },
			{ input: tile('#00ff00'), left: 100, top: 0 },
			{ input: tile('#0000ff'), left: 0, top: 80 },
		])
		.png()
		.toBuffer();
}

it('cuts each region out of the picture, in order', async () => {
	const crops = await cropJpegs(
		await quarters(),
		[
			{ x: 120, y: 10, width: 40, height: 30 },
			{ x: 20, y: 100, width: 50, height: 40 },
		],
		limits,
	);
	const colours = await Promise.all(
		crops.map(async (crop) => {
			const { channels } = await sharp(crop).stats();
			return channels.map(({ mean }) => Math.round(mean / 51) * 51);
		}),
	);
	expect(colours).toEqual([
		[0, 255, 0],
		[0, 0, 255],
	]);
	expect(await sharp(crops[0]).metadata()).toMatchObject({ format: 'jpeg', width: 40, height: 30 });
});

it('gives nothing for no regions, without decoding', async () => {
	expect(await cropJpegs(Buffer.from('not a picture'), [], limits)).toEqual([]);
});
