const HEADER_BYTES = 128;
const TAG_BYTES = 12;
/** Real profiles have two or three dozen. */
const MOST_TAGS = 100;

/** sRGB's red, green and blue as X, Y, Z under the light of profiles, D50 (IEC 61966-2-1, adapted by Bradford). */
const PRIMARIES = {
	rXYZ: [0.4361, 0.2225, 0.0139],
	gXYZ: [0.3851, 0.7169, 0.0971],
	bXYZ: [0.1431, 0.0606, 0.7141],
} as const;
/** A tenth of a level of eight bits is 0.0004 of full light; profiles differ by less in what they round. */
const PRIMARY_TOLERANCE = 0.001;
/** Of a curve, in parts of full scale: half a level of eight bits, which rounding takes away. */
const CURVE_TOLERANCE = 0.5 / 255;
/** Of parametric curves, the kind that is a straight line near black. */
const POWER_BESIDE_LINE = 3;

/** The last profile, since most pictures have the same one and its curves take longer than its comparison. */
let judged: { readonly profile: Buffer; readonly isSrgb: boolean } | undefined;

/**
 * Whether an ICC profile says no more than what a picture without one means: that its numbers are sRGB. Most pictures
 * carry such a profile. To convert them is to compute the same pixels again, at more than the price of decoding them:
 * of a JPEG of 1920 pixels, 14 ms become 35.
 *
 * Holds for profiles of three primaries and a curve for each, whose values are sRGB's; one with tables, or one that
 * cannot be read, is not taken for it and goes the long way.
 *
 * ICC.1:2022, 7.2 (header), 7.3 (tags), 10.6 and 10.18 (curves), 10.31 (XYZ).
 */
export function isSrgbProfile(profile: Buffer): boolean {
	if (judged?.profile.equals(profile)) return judged.isSrgb;
	const isSrgb = saysNoMoreThanSrgb(profile);
	judged = { profile: Buffer.from(profile), isSrgb };
	return isSrgb;
}

function saysNoMoreThanSrgb(profile: Buffer): boolean {
	if (profile.length < HEADER_BYTES + 4 || profile.toString('latin1', 36, 40) !== 'acsp') return false;
	if (profile.toString('latin1', 16, 24) !== 'RGB XYZ ') return false;
	const tags = readTags(profile);
	// Tables go before curves.
	if ([...tags.keys()].some((name) => /^[AD]2B\d$/.test(name))) return false;
	const curves = ['rTRC', 'gTRC', 'bTRC'].map((name) => tags.get(name));
	return (
		Object.entries(PRIMARIES).every(([name, xyz]) => isNear(tags.get(name), xyz)) &&
		curves.every((curve) => curve !== undefined && isSrgbCurve(curve))
	);
}

/** The elements of a profile by their names; none whose place is not inside it. */
function readTags(profile: Buffer): ReadonlyMap<string, Buffer> {
	const tags = new Map<string, Buffer>();
	const count = Math.min(profile.readUInt32BE(HEADER_BYTES), MOST_TAGS);
	for (let index = 0; index < count; index += 1) {
		const at = HEADER_BYTES + 4 + index * TAG_BYTES;
		if (at + TAG_BYTES > profile.length) break;
		const offset = profile.readUInt32BE(at + 4);
		const end = offset + profile.readUInt32BE(at + 8);
		if (end <= profile.length)
			tags.set(profile.toString('latin1', at, at + 4), profile.subarray(offset, end));
	}
	return tags;
}

function typeOf(element: Buffer): string {
	return element.toString('latin1', 0, 4);
}

/** Numbers of an element from a place on, each with 16 bits behind the point. */
function fixedPoint(element: Buffer, from: number, count: number): number[] {
	return Array.from({ length: count }, (_, index) => element.readInt32BE(from + 4 * index) / 65_536);
}

function isNear(element: Buffer | undefined, xyz: readonly number[]): boolean {
	if (element === undefined || element.length < 20 || typeOf(element) !== 'XYZ ') return false;
	return fixedPoint(element, 8, 3).every(
		(value, index) => Math.abs(value - (xyz[index] ?? Number.NaN)) <= PRIMARY_TOLERANCE,
	);
}

function isSrgbCurve(element: Buffer): boolean {
	const curve = readCurve(element);
	if (curve === undefined) return false;
	for (let level = 0; level <= 255; level += 1) {
		const encoded = level / 255;
		if (!(Math.abs(encodeSrgb(curve(encoded)) - encoded) <= CURVE_TOLERANCE)) return false;
	}
	return true;
}

/** The light of an encoded value, both from 0 to 1; of the kinds of curve, those that sRGB is written as. */
function readCurve(element: Buffer): ((encoded: number) => number) | undefined {
	if (element.length < 12) return undefined;
	if (typeOf(element) === 'curv') {
		const count = element.readUInt32BE(8);
		// None means none, and one is an exponent.
		if (count < 2 || element.length < 12 + 2 * count) return undefined;
		return (encoded) => {
			const place = encoded * (count - 1);
			const before = Math.min(count - 2, Math.floor(place));
			const low = element.readUInt16BE(12 + 2 * before);
			const high = element.readUInt16BE(14 + 2 * before);
			return (low + (high - low) * (place - before)) / 65_535;
		};
	}
	if (typeOf(element) !== 'para' || element.readUInt16BE(8) !== POWER_BESIDE_LINE || element.length < 32)
		return undefined;
	const [g = 1, a = 1, b = 0, c = 0, d = 0] = fixedPoint(element, 12, 5);
	return (encoded) => (encoded >= d ? (a * encoded + b) ** g : c * encoded);
}

/** IEC 61966-2-1. */
function encodeSrgb(light: number): number {
	return light <= 0.003_130_8 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055;
}
