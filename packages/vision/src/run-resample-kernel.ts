import type { RgbImage } from '@facet/contracts';
import { z } from 'zod';
import type { FilterTaps } from './filter-taps.ts';
import type { PlaneTarget } from './plane-target.ts';
import { RESAMPLE_KERNEL } from './resample-kernel.ts';

interface Memory {
	readonly buffer: ArrayBuffer;
	grow(pages: number): number;
}

/** TypeScript knows it only with all else of browsers. */
declare const WebAssembly: {
	readonly Module: new (bytes: Uint8Array) => object;
	readonly Instance: new (module: object) => { readonly exports: unknown };
	readonly Memory: new (limits: { initial: number }) => Memory;
};

const exportsSchema = z.object({
	memory: z.instanceof(WebAssembly.Memory),
	/** Its parameters are explained in `../assembly/resample.ts`. */
	resample: z.custom<(...parameters: number[]) => void>((value) => typeof value === 'function'),
});

const PAGE_BYTES = 65_536;
const VECTOR_BYTES = 16;
/** A weight of 1 of a row, whose sums are whole numbers. */
const UNIT = 16_384;
/** Pixels come out, and those of large pictures go in, in bands of rows, so that the memory stays small. */
const BAND_BYTES = 1_048_576;
/** A picture of up to so many bytes is kept in the memory while one region of it after the other is asked for. */
const KEPT_BYTES = 2 * BAND_BYTES;

/** A kernel has no memory of its own but this; one call is over before the next begins, so a thread needs but one. */
let loaded: z.infer<typeof exportsSchema> | undefined;
/** The pixels that are at the beginning of the memory. */
let kept: Uint8Array | undefined;

/**
 * Resamples the pixels that the taps name into the top-left part of the planes.
 *
 * @param image - whose pixels do not change between two calls: they may be in the kernel's memory from the one before.
 */
export function runResampleKernel(
	image: RgbImage,
	columns: FilterTaps,
	rows: FilterTaps,
	target: PlaneTarget,
): void {
	loaded ??= load();
	const { memory, resample } = loaded;
	const { width, height, mean, scale } = target;
	const rowBytes = aligned(3 * (columns.last - columns.first + 1));
	const isKept = image.data.byteLength <= KEPT_BYTES;
	const memoryMap = new MemoryMap();
	// The last row is read up to a vector beyond its end, and with the row below it.
	const picture = memoryMap.place(isKept ? image.data.byteLength + 3 * image.width + VECTOR_BYTES : 0);
	const columnsAt = memoryMap.placeTaps(columns);
	const rowsAt = memoryMap.placeTaps(rows);
	const rowPairs = Math.ceil(rows.tapsPerSample / 2);
	const sums = memoryMap.place(4 * rowBytes + VECTOR_BYTES);
	const band = memoryMap.place(isKept ? 0 : Math.max(BAND_BYTES, rows.tapsPerSample * rowBytes) + rowBytes);
	const out = memoryMap.place(Math.max(BAND_BYTES, 12 * width));
	if (memory.buffer.byteLength < memoryMap.end) {
		memory.grow(Math.ceil((memoryMap.end - memory.buffer.byteLength) / PAGE_BYTES));
	}
	copyTaps(memory, columns, columnsAt);
	copyTaps(memory, { ...rows, weights: inPairs(rows, rowPairs) }, rowsAt);
	if (isKept) keep(image.data, memory, picture);
	else kept = undefined;
	const mostRows = Math.max(1, Math.floor(BAND_BYTES / (12 * width)));
	for (let y = 0, count = 0; y < height; y += count) {
		// Starts count from the picture's corner, and what is in the memory may begin at those of the first.
		let source = picture + 3 * columns.first;
		let stride = 3 * image.width;
		count = Math.min(mostRows, height - y);
		if (!isKept) {
			count = rowsOfBand(rows, y, rowBytes, count);
			const firstRow = rows.starts[y] ?? 0;
			copyIn(image, { columns, firstRow, endRow: endOf(rows, y + count - 1) }, memory, band, rowBytes);
			source = band - firstRow * rowBytes;
			stride = rowBytes;
		}
		resample(
			source,
			stride,
			rowBytes,
			rowsAt.starts + 4 * y,
			rowsAt.counts + 4 * y,
			rowsAt.weights + 4 * y * rowPairs,
			rowPairs,
			columnsAt.starts,
			columnsAt.counts,
			columnsAt.weights,
			columns.tapsPerSample,
			sums,
			columns.first,
			out,
			width,
			count,
			-mean,
			1 / scale,
		);
		copyOut(memory, out, target, y, count);
	}
}

function keep(pixels: Uint8Array, { buffer }: Memory, at: number): void {
	if (kept === pixels) return;
	new Uint8Array(buffer, at).set(pixels);
	kept = pixels;
}

function load(): z.infer<typeof exportsSchema> {
	const module = new WebAssembly.Module(Buffer.from(RESAMPLE_KERNEL, 'base64'));
	return exportsSchema.parse(new WebAssembly.Instance(module).exports);
}

/** Where in the memory the taps of an axis are. */
interface PlacedTaps {
	readonly starts: number;
	readonly counts: number;
	readonly weights: number;
}

/** Gives out the memory from its beginning. */
class MemoryMap {
	end = 0;

	place(bytes: number): number {
		const at = this.end;
		this.end += aligned(bytes);
		return at;
	}

	placeTaps({ starts, counts, weights }: FilterTaps): PlacedTaps {
		return {
			starts: this.place(starts.byteLength),
			counts: this.place(counts.byteLength),
			weights: this.place(weights.byteLength),
		};
	}
}

function aligned(bytes: number): number {
	return Math.ceil(bytes / VECTOR_BYTES) * VECTOR_BYTES;
}

/** Weights as whole numbers that add up to `UNIT`, an even number of them for each sample. */
function inPairs({ weights, counts, tapsPerSample }: FilterTaps, pairs: number): Int16Array {
	const whole = new Int16Array(2 * pairs * counts.length);
	for (let sample = 0; sample < counts.length; sample++) {
		const count = counts[sample] ?? 0;
		let sum = 0;
		for (let tap = 0; tap < count; tap++) {
			// Each rounds what those before it have left over, too.
			const before = Math.round(sum * UNIT);
			sum += weights[sample * tapsPerSample + tap] ?? 0;
			whole[2 * pairs * sample + tap] = Math.round(sum * UNIT) - before;
		}
	}
	return whole;
}

interface CopiedTaps extends Pick<FilterTaps, 'starts' | 'counts'> {
	readonly weights: Float32Array | Int16Array;
}

function copyTaps({ buffer }: Memory, taps: CopiedTaps, at: PlacedTaps): void {
	new Int32Array(buffer, at.starts).set(taps.starts);
	new Int32Array(buffer, at.counts).set(taps.counts);
	const { byteLength, byteOffset } = taps.weights;
	new Uint8Array(buffer, at.weights).set(new Uint8Array(taps.weights.buffer, byteOffset, byteLength));
}

/** How many output rows from `y` on, `most` of them, have their source rows in one band; one does always. */
function rowsOfBand(rows: FilterTaps, y: number, rowBytes: number, most: number): number {
	const first = rows.starts[y] ?? 0;
	let count = 1;
	while (count < most && (endOf(rows, y + count) - first) * rowBytes <= BAND_BYTES) count += 1;
	return count;
}

/** The source row after the last of an output row. */
function endOf({ starts, counts }: FilterTaps, row: number): number {
	return (starts[row] ?? 0) + (counts[row] ?? 0);
}

interface SourceBand {
	readonly columns: FilterTaps;
	readonly firstRow: number;
	readonly endRow: number;
}

function copyIn(
	{ data, width }: RgbImage,
	{ columns, firstRow, endRow }: SourceBand,
	{ buffer }: Memory,
	at: number,
	rowBytes: number,
): void {
	const bytes = new Uint8Array(buffer);
	const length = 3 * (columns.last - columns.first + 1);
	for (let row = firstRow, to = at; row < endRow; row++, to += rowBytes) {
		const from = 3 * (row * width + columns.first);
		bytes.set(data.subarray(from, from + length), to);
	}
}

/** From planes as wide as the output into those of the tensor, `count` rows from `y` on. */
function copyOut(
	{ buffer }: Memory,
	at: number,
	{ planes, planeWidth, planeHeight, width }: PlaneTarget,
	y: number,
	count: number,
): void {
	const values = new Float32Array(buffer, at, 3 * width * count);
	for (let plane = 0; plane < 3; plane++) {
		const to = (plane * planeHeight + y) * planeWidth;
		const rows = values.subarray(plane * width * count, (plane + 1) * width * count);
		if (width === planeWidth) planes.set(rows, to);
		else
			for (let row = 0; row < count; row++)
				planes.set(rows.subarray(row * width, (row + 1) * width), to + row * planeWidth);
	}
}
