/**
 * The inner loops of `../src/resample.ts`, in AssemblyScript: `npm run docs` compiles them into
 * `../src/resample-kernel.ts`. All pointers are offsets into the module's memory, in bytes.
 */

/**
 * Resamples rows of interleaved RGB bytes into three planes of 32-bit floats: `(sum of weighted values + bias) * gain`.
 *
 * Vertically first: that pass walks straight through memory, and leaves less for the other one.
 *
 * @param source - the pixels of the first column that is needed, in the picture's first row; `stride` bytes on are those in the next.
 * @param rowBytes - the pixels that are needed of a row, rounded up to a multiple of 16; what is beyond them is read and not used.
 * @param rowStarts - first source row of each output row, `rowCounts` how many of them, i32.
 * @param rowWeights - `rowTaps` f32 an output row.
 * @param columnStarts - as `rowStarts`, of the output columns.
 * @param sums - room for `rowBytes + 4` f32, the first of which is source column `firstColumn`.
 * @param out - three planes of `width * height` f32.
 */
export function resample(
	source: usize,
	stride: i32,
	rowBytes: i32,
	rowStarts: usize,
	rowCounts: usize,
	rowWeights: usize,
	rowTaps: i32,
	columnStarts: usize,
	columnCounts: usize,
	columnWeights: usize,
	columnTaps: i32,
	sums: usize,
	firstColumn: i32,
	out: usize,
	width: i32,
	height: i32,
	bias: f32,
	gain: f32,
): void {
	const planeBytes = width * height * 4;
	for (let y = 0; y < height; y++) {
		const first = source + <usize>(load<i32>(rowStarts + ((<usize>y) << 2)) * stride);
		const count = load<i32>(rowCounts + ((<usize>y) << 2));
		sumRows(first, stride, rowBytes, count, rowWeights + <usize>(y * rowTaps * 4), sums);
		writeRow(
			sums - <usize>(firstColumn * 12),
			columnStarts,
			columnCounts,
			columnWeights,
			columnTaps,
			out + <usize>(y * width * 4),
			width,
			planeBytes,
			f32x4.splat(bias),
			f32x4.splat(gain),
		);
	}
}

/** The weighted sum of rows, sixteen bytes of each at a time. */
function sumRows(
	source: usize,
	stride: i32,
	rowBytes: i32,
	count: i32,
	weights: usize,
	sums: usize,
): void {
	for (let i = 0; i < rowBytes; i += 16) {
		let a = f32x4.splat(0);
		let b = f32x4.splat(0);
		let c = f32x4.splat(0);
		let d = f32x4.splat(0);
		let from = source + <usize>i;
		for (let row = 0; row < count; row++) {
			const weight = v128.load_splat<f32>(weights + ((<usize>row) << 2));
			const bytes = v128.load(from);
			const low = i16x8.extend_low_i8x16_u(bytes);
			const high = i16x8.extend_high_i8x16_u(bytes);
			a = f32x4.add(a, f32x4.mul(weight, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(low))));
			b = f32x4.add(b, f32x4.mul(weight, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(low))));
			c = f32x4.add(c, f32x4.mul(weight, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(high))));
			d = f32x4.add(d, f32x4.mul(weight, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(high))));
			from += <usize>stride;
		}
		const to = sums + ((<usize>i) << 2);
		v128.store(to, a);
		v128.store(to, b, 16);
		v128.store(to, c, 32);
		v128.store(to, d, 48);
	}
}

/** Squeezes a row of sums into the planes: a pixel's three values, and one of the next that is not used, at a time. */
function writeRow(
	sums: usize,
	starts: usize,
	counts: usize,
	weights: usize,
	taps: i32,
	out: usize,
	width: i32,
	planeBytes: i32,
	bias: v128,
	gain: v128,
): void {
	for (let x = 0; x < width; x++) {
		let from = sums + <usize>(load<i32>(starts + ((<usize>x) << 2)) * 12);
		let weight = weights + <usize>(x * taps * 4);
		const end = weight + <usize>(load<i32>(counts + ((<usize>x) << 2)) * 4);
		let value = bias;
		while (weight < end) {
			value = f32x4.add(value, f32x4.mul(v128.load_splat<f32>(weight), v128.load(from)));
			weight += 4;
			from += 12;
		}
		value = f32x4.mul(value, gain);
		const to = out + ((<usize>x) << 2);
		v128.store_lane<f32>(to, value, 0);
		v128.store_lane<f32>(to + <usize>planeBytes, value, 1);
		v128.store_lane<f32>(to + <usize>(2 * planeBytes), value, 2);
	}
}
