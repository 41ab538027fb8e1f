import sharp from 'sharp';
import { expect, test } from 'vitest';
import { isSrgb } from './colour-profile.ts';
import { decodeForDetection } from './picture.ts';

const ORANGE = { create: { width: 16, height: 16, channels: 3, background: '#f08040' } } as const;

/** A picture in orange whose profile is one of sharp's, changed or not. */
async function picture(name: 'srgb' | 'p3', change: (profile: Buffer) => void = () => {}) {
	const bytes = await sharp(ORANGE).withIccProfile(name).jpeg({ quality: 100 }).toBuffer();
	const { icc } = await sharp(bytes).metadata();
	if (icc === undefined) throw new Error('Expected a profile');
	// Changed within the picture: it is there as it is, in one piece.
	const at = bytes.indexOf(icc);
	change(bytes.subarray(at, at + icc.length));
	return { bytes, profile: bytes.subarray(at, at + icc.length) };
}

/** Gives a tag the data of another one. */
function redirect(profile: Buffer, from: string, to: string) {
	const entry = (name: string) => profile.indexOf(name, 132, 'latin1');
	profile.copy(profile, entry(from) + 4, entry(to) + 4, entry(to) + 12);
}

test('tells the profile of sRGB from that of Display P3', async () => {
	expect(isSrgb((await picture('srgb')).profile)).toBe(true);
	expect(isSrgb((await picture('p3')).profile)).toBe(false);
});

test('a profile with other primaries is not that of sRGB, and neither is one of linear light', async () => {
	const swapped = await picture('srgb', (profile) => redirect(profile, 'gXYZ', 'bXYZ'));
	expect(isSrgb(swapped.profile)).toBe(false);
	const linear = await picture('srgb', (profile) => {
		const curve = profile.readUInt32BE(profile.indexOf('rTRC', 132, 'latin1') + 4);
		profile.write('curv', curve, 'latin1');
		profile.writeUInt32BE(0, curve + 8);
	});
	expect(isSrgb(linear.profile)).toBe(false);
});

test('what is no profile of a screen, or is cut off, is not that of sRGB', async () => {
	const { profile } = await picture('srgb');
	expect(isSrgb(Buffer.alloc(0))).toBe(false);
	for (const length of [127, 140, profile.length - 100])
		expect(isSrgb(profile.subarray(0, length))).toBe(false);
	const ofPrinter = Buffer.from(profile);
	ofPrinter.write('prtr', 12, 'latin1');
	expect(isSrgb(ofPrinter)).toBe(false);
});

test('detection sees the colours of another profile as a person does', async () => {
	const swapped = await picture('srgb', (profile) => {
		redirect(profile, 'rXYZ', 'gXYZ');
	});
	const seen = await decodeForDetection(swapped.bytes, { maxSide: 16, maxPixels: 1e6, timeoutMs: 10_000 });
	const shown = await sharp(swapped.bytes).toColourspace('srgb').raw().toBuffer();
	expect([...seen.image.data.subarray(0, 3)]).toEqual([...shown.subarray(0, 3)]);
	const plain = await sharp(swapped.bytes, { ignoreIcc: true }).raw().toBuffer();
	expect([...seen.image.data.subarray(0, 3)]).not.toEqual([...plain.subarray(0, 3)]);
});

test('detection takes the values of a picture in sRGB as they are', async () => {
	const { bytes } = await picture('srgb');
	const seen = await decodeForDetection(bytes, { maxSide: 16, maxPixels: 1e6, timeoutMs: 10_000 });
	const plain = await sharp(bytes, { ignoreIcc: true }).raw().toBuffer();
	expect(Buffer.compare(Buffer.from(seen.image.data), plain)).toBe(0);
});
