import { open } from 'node:fs/promises';
import { BOX_HEADER_BYTES, LONG_BOX_HEADER_BYTES } from './box.ts';
import { PictureTrait } from './coded-pictures.ts';
import type { MovieSamples } from './read-movie.ts';

/** Timestamp units a second in an excerpt; its timestamps only count the frames. */
const UNITS_PER_SECOND = 25;
/** Samples nearer together than this are read at once, what is between them included. */
const MAX_GAP_BYTES = 64 * 1024;
/** Read at once, as a rule; one sample may be more. */
const MAX_READ_BYTES = 1024 * 1024;

/** A small MP4 of some samples of a file, to be read from front to back. */
export interface ExcerptFile {
	/** The presentation timestamp of each sample in it, by the sample's number. */
	readonly timestamps: ReadonlyMap<number, number>;
	readonly bytes: AsyncGenerator<Buffer>;
}

/**
 * Makes an MP4 of some samples of a file: they keep their order and their description, and get new timestamps, which count
 * the frames in presentation order.
 *
 * @param chosen - numbers of samples, ascending.
 */
export function createExcerptFile(
	path: string,
	samples: MovieSamples,
	chosen: readonly number[],
): ExcerptFile {
	const shown = chosen.toSorted((a, b) => (samples.timestamps[a] ?? 0) - (samples.timestamps[b] ?? 0));
	const rank = new Map(shown.map((sample, position) => [sample, position]));
	// A frame is shown when, or after, it is decoded.
	const lag = chosen.reduce((most, sample, order) => Math.max(most, order - (rank.get(sample) ?? 0)), 0);
	const timestamps = new Map(chosen.map((sample) => [sample, (rank.get(sample) ?? 0) + lag]));
	return { timestamps, bytes: writeFile(path, samples, chosen, timestamps) };
}

async function* writeFile(
	path: string,
	samples: MovieSamples,
	chosen: readonly number[],
	timestamps: ReadonlyMap<number, number>,
): AsyncGenerator<Buffer> {
	const file = await open(path);
	try {
		yield header(samples, chosen, timestamps);
		for (const [from, to] of spansOf(samples, chosen)) {
			const start = samples.offsets[chosen[from] ?? 0] ?? 0;
			const end = endOf(samples, chosen[to - 1] ?? 0);
			const span = Buffer.allocUnsafe(end - start);
			const { bytesRead } = await file.read(span, 0, span.length, start);
			// A file that has become shorter: frames will be missing, which their reader notices.
			if (bytesRead < span.length) return;
			yield Buffer.concat(
				chosen.slice(from, to).map((sample) => {
					const offset = (samples.offsets[sample] ?? 0) - start;
					return span.subarray(offset, offset + (samples.sizes[sample] ?? 0));
				}),
			);
		}
	} finally {
		await file.close();
	}
}

/** Positions (from, up to) of samples that lie one after the other in the file, near enough to be read at once. */
function* spansOf(samples: MovieSamples, chosen: readonly number[]): Generator<[number, number]> {
	let from = 0;
	for (let position = 1; position <= chosen.length; position += 1) {
		const sample = chosen[position];
		const start = samples.offsets[chosen[from] ?? 0] ?? 0;
		const gap = (samples.offsets[sample ?? 0] ?? 0) - endOf(samples, chosen[position - 1] ?? 0);
		const isNear = sample !== undefined && gap >= 0 && gap <= MAX_GAP_BYTES;
		if (isNear && endOf(samples, sample) - start <= MAX_READ_BYTES) continue;
		yield [from, position];
		from = position;
	}
}

function endOf({ offsets, sizes }: MovieSamples, sample: number): number {
	return (offsets[sample] ?? 0) + (sizes[sample] ?? 0);
}

/** Everything before the first sample: ISO 14496-12, with what a demuxer needs and no more. */
function header(
	{ description, sizes, traits }: MovieSamples,
	chosen: readonly number[],
	timestamps: ReadonlyMap<number, number>,
): Buffer {
	const count = chosen.length;
	const isKey = (sample: number) => ((traits[sample] ?? 0) & PictureTrait.refresh) !== 0;
	const keys = chosen.flatMap((sample, order) => (isKey(sample) ? [order + 1] : []));
	const delays = chosen.flatMap((sample, order) => [1, (timestamps.get(sample) ?? 0) - order]);
	const table = (chunk: number) => [
		description,
		fullBox('stts', [words([1, count, 1])]),
		fullBox('ctts', [words([count]), words(delays)]),
		fullBox('stss', [words([keys.length]), words(keys)]),
		fullBox('stsc', [words([1, 1, count, 1])]),
		fullBox('stsz', [words([0, count]), words(chosen.map((sample) => sizes[sample] ?? 0))]),
		fullBox('stco', [words([1, chunk])]),
	];
	const before = (chunk: number) => Buffer.concat([TYPE, movieBox(table(chunk), count)]);
	// As long as it will be, with whatever number for the place of the samples.
	const length = before(0).length;
	const dataBytes = chosen.reduce((sum, sample) => sum + (sizes[sample] ?? 0), 0);
	return Buffer.concat([before(length + LONG_BOX_HEADER_BYTES), longBoxHeader('mdat', dataBytes)]);
}

function movieBox(table: readonly Buffer[], count: number): Buffer {
	const track = [
		// Number 1, enabled, in the movie.
		fullBox('tkhd', [words([0, 0, 1, 0, count, 0, 0, 0, 0, ...MATRIX, 0, 0])], 3),
		box('mdia', [
			fullBox('mdhd', [words([0, 0, UNITS_PER_SECOND, count, UNDETERMINED_LANGUAGE])]),
			fullBox('hdlr', [words([0]), Buffer.from('vide'), words([0, 0, 0]), Buffer.alloc(1)]),
			box('minf', [
				fullBox('vmhd', [words([0, 0])], 1),
				// The samples lie in this file.
				box('dinf', [fullBox('dref', [words([1]), fullBox('url ', [], 1)])]),
				box('stbl', table),
			]),
		]),
	];
	const rateAndVolume = [0x1_0000, 0x100_0000, 0, 0];
	const times = [0, 0, UNITS_PER_SECOND, count];
	return box('moov', [
		fullBox('mvhd', [words([...times, ...rateAndVolume, ...MATRIX, 0, 0, 0, 0, 0, 0, 2])]),
		box('trak', track),
	]);
}

/** The identity in fixed-point numbers; Facet turns frames itself. */
const MATRIX = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];
const UNDETERMINED_LANGUAGE = 0x55c4_0000;
const TYPE = box('ftyp', [Buffer.from('isom'), words([512]), Buffer.from('isomiso2')]);

function box(type: string, parts: readonly Uint8Array[]): Buffer {
	const length = parts.reduce((sum, part) => sum + part.length, BOX_HEADER_BYTES);
	return Buffer.concat([words([length]), Buffer.from(type), ...parts]);
}

/** A box with a version (0) and flags. */
function fullBox(type: string, content: readonly Uint8Array[], flags = 0): Buffer {
	return box(type, [words([flags]), ...content]);
}

function longBoxHeader(type: string, contentBytes: number): Buffer {
	const size = contentBytes + LONG_BOX_HEADER_BYTES;
	return Buffer.concat([words([1]), Buffer.from(type), words([Math.floor(size / 2 ** 32), size % 2 ** 32])]);
}

/** Numbers of 32 bits, the high byte first. */
function words(values: readonly number[]): Buffer {
	const bytes = Buffer.allocUnsafe(4 * values.length);
	for (const [position, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, 4 * position);
	return bytes;
}
