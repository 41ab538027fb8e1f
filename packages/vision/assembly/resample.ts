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
 * @param rowWeights - `rowPairs` pairs of i16 an output row, in parts of 16384; of an odd number of rows the last one has a 0
 * with it, for a row that is read and does not count.
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
	rowPairs: i32,
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
		sumRows(first, stride, rowBytes, (count + 1) >> 1, rowWeights + <usize>(y * rowPairs * 4), sums);
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

/** The weighted sum of rows, sixteen bytes of two rows at a time: as whole numbers, of which the kernel adds products in pairs. */
function sumRows(source: usize, stride: i32, rowBytes: i32, pairs: i32, weights: usize, sums: usize): void {
	const unit = f32x4.splat(1.0 / 16384.0);
	for (let i = 0; i < rowBytes; i += 16) {
		let a = i32x4.splat(0);
		let b = i32x4.splat(0);
		let c = i32x4.splat(0);
		let d = i32x4.splat(0);
		let from = source + <usize>i;
		for (let pair = 0; pair < pairs; pair++) {
			const weight = v128.load_splat<i32>(weights + ((<usize>pair) << 2));
			const upper = v128.load(from);
			const lower = v128.load(from + <usize>stride);
			const left = i8x16.shuffle(upper, lower, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
			const right = i8x16.shuffle(upper, lower, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
			a = i32x4.add(a, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(left), weight));
			b = i32x4.add(b, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(left), weight));
			c = i32x4.add(c, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(right), weight));
			d = i32x4.add(d, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(right), weight));
			from += <usize>(2 * stride);
		}
		const to = sums + ((<usize>i) << 2);
		v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(a), unit));
		v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(b), unit), 16);
		v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(c), unit), 32);
		v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(d), unit), 48);
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
