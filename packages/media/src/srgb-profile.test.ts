import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { isSrgbProfile } from './srgb-profile.ts';

/** The profile that a library gives a picture under this name. */
async function profileOf(name: 'srgb' | 'p3'): Promise<Buffer> {
	const picture = sharp({ create: { width: 8, height: 8, channels: 3, background: '#808080' } });
	const { icc } = await sharp(await picture.withIccProfile(name).png().toBuffer()).metadata();
	if (icc === undefined) throw new Error(`expected a profile in a picture tagged ${name}`);
	return icc;
}

function fixedPoint(...values: number[]): Buffer {
	const bytes = Buffer.alloc(4 * values.length);
	for (const [index, value] of values.entries()) bytes.writeInt32BE(Math.round(value * 65_536), 4 * index);
	return bytes;
}

const element = (type: string, ...parts: Buffer[]) =>
	Buffer.concat([Buffer.from(type), Buffer.alloc(4), ...parts]);
const xyz = (...values: number[]) => element('XYZ ', fixedPoint(...values));
/** `(a * x + b) ** g` from `d` on, `c * x` below. */
const power = (...values: number[]) => element('para', Buffer.from([0, 3, 0, 0]), fixedPoint(...values));

const SRGB_POWER = power(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.040_45);
const SRGB = {
	rXYZ: xyz(0.43607, 0.22249, 0.01392),
	gXYZ: xyz(0.38515, 0.71687, 0.09708),
	bXYZ: xyz(0.14307, 0.06061, 0.7141),
	rTRC: SRGB_POWER,
	gTRC: SRGB_POWER,
	bTRC: SRGB_POWER,
};

/** A profile of these elements. */
function profile(elements: Readonly<Record<string, Buffer>>, spaces = 'RGB XYZ '): Buffer {
	const header = Buffer.alloc(132);
	header.write(spaces, 16, 'latin1');
	header.write('acsp', 36, 'latin1');
	header.writeUInt32BE(Object.keys(elements).length, 128);
	let offset = header.length + 12 * Object.keys(elements).length;
	const tags = Object.entries(elements).map(([name, bytes]) => {
		const tag = Buffer.alloc(12);
		tag.write(name, 'latin1');
		tag.writeUInt32BE(offset, 4);
		tag.writeUInt32BE(bytes.length, 8);
		offset += bytes.length;
		return tag;
	});
	return Buffer.concat([header, ...tags, ...Object.values(elements)]);
}

/** A curve of points, evenly spaced. */
function points(count: number, lightOf: (encoded: number) => number): Buffer {
	const bytes = Buffer.alloc(4 + 2 * count);
	bytes.writeUInt32BE(count, 0);
	for (let index = 0; index < count; index += 1)
		bytes.writeUInt16BE(Math.round(65_535 * lightOf(index / (count - 1))), 4 + 2 * index);
	return element('curv', bytes);
}

const srgbLight = (encoded: number) =>
	encoded <= 0.040_45 ? encoded / 12.92 : ((encoded + 0.055) / 1.055) ** 2.4;

describe('isSrgbProfile', () => {
	it('knows the profile that libvips writes, and tells Display P3 from it', async () => {
		expect(isSrgbProfile(await profileOf('srgb'))).toBe(true);
		expect(isSrgbProfile(await profileOf('p3'))).toBe(false);
	});

	it('knows sRGB by its numbers, as a formula and as points', () => {
		expect(isSrgbProfile(profile(SRGB))).toBe(true);
		const curve = points(1024, srgbLight);
		expect(isSrgbProfile(profile({ ...SRGB, rTRC: curve, gTRC: curve, bTRC: curve }))).toBe(true);
	});

	it.each([
		['other primaries', { rXYZ: xyz(0.4471, 0.2225, 0.0139) }],
		['another exponent', { gTRC: power(2.2, 1, 0, 0, 0) }],
		['a curve of too few points', { bTRC: points(8, srgbLight) }],
		['a plain exponent', { bTRC: element('curv', Buffer.from([0, 0, 0, 1, 2, 51])) }],
		['no curve', { rTRC: element('curv', Buffer.alloc(4)) }],
		['a curve of an unknown kind', { rTRC: element('text', Buffer.alloc(64)) }],
		['tables beside the curves', { A2B0: element('mft2', Buffer.alloc(64)) }],
	])('does not take for it a profile with %s', (_, changed) => {
		expect(isSrgbProfile(profile({ ...SRGB, ...changed }))).toBe(false);
	});

	it('does not take for it a profile of other colours, or one without primaries', () => {
		expect(isSrgbProfile(profile(SRGB, 'CMYKLab '))).toBe(false);
		const { bXYZ: _, ...without } = SRGB;
		expect(isSrgbProfile(profile(without))).toBe(false);
	});

	it('reads no further than a profile goes', () => {
		const whole = profile(SRGB);
		for (let length = 0; length < whole.length; length += 1)
			expect(isSrgbProfile(whole.subarray(0, length))).toBe(false);
		for (let at = 128; at < 132 + 12 * 6; at += 1) {
			const damaged = Buffer.from(whole);
			damaged[at] = 0xff;
			expect(() => isSrgbProfile(damaged)).not.toThrow();
		}
	});
});
