import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UnusualMovie } from './box.ts';
import { readMovie } from './read-movie.ts';
import { readMovieTrack } from './sample-table.ts';

fc.configureGlobal({ seed: 6, numRuns: 500 });

let folder: string;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'facet-tables-'));
});

afterAll(async () => {
	await rm(folder, { recursive: true });
});

const words = (...values: readonly number[]) => {
	const bytes = Buffer.alloc(4 * values.length);
	for (const [i, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, 4 * i);
	return bytes;
};

function box(type: string, ...content: readonly Buffer[]): Buffer {
	const bytes = Buffer.concat(content);
	return Buffer.concat([words(8 + bytes.length), Buffer.from(type, 'latin1'), bytes]);
}

/** A run of samples of one duration. */
interface Run {
	readonly count: number;
	readonly duration: number;
}

interface Tables {
	readonly sizes: readonly number[];
	readonly runs: readonly Run[];
	/** How many samples each chunk has; chunks lie one after the other, with gaps between them. */
	readonly chunks: readonly number[];
	readonly gap: number;
	readonly keys: readonly number[];
	readonly delays: readonly number[];
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** What each table of the track says, as its box. */
function tableBoxes({ sizes, runs, chunks, gap, keys, delays }: Tables, start: number) {
	const offsets: number[] = [];
	let offset = start;
	let sample = 0;
	for (const samples of chunks) {
		offset += gap;
		offsets.push(offset);
		offset += sum(sizes.slice(sample, sample + samples));
		sample += samples;
	}
	return {
		offsets,
		boxes: {
			stsd: box('stsd', words(0, 1), AVC_ENTRY),
			stts: box('stts', words(0, runs.length, ...runs.flatMap(({ count, duration }) => [count, duration]))),
			ctts: box('ctts', words(0, delays.length, ...delays.flatMap((delay) => [1, delay]))),
			stss: box('stss', words(0, keys.length, ...keys.map((key) => key + 1))),
			stsc: box('stsc', words(0, chunks.length, ...chunks.flatMap((samples, i) => [i + 1, samples, 1]))),
			stsz: box('stsz', words(0, 0, sizes.length, ...sizes)),
			stco: box('stco', words(0, offsets.length, ...offsets)),
		},
	};
}

/** H.264 whose units have lengths of four bytes. */
const AVC_ENTRY = box('avc1', Buffer.alloc(78), box('avcC', Buffer.from([1, 0x64, 0, 10, 0xff, 0xe0, 0])));

/** The content of `moov` around the tables of one video track. */
function movieOf(tables: readonly Buffer[]): Buffer {
	return box(
		'trak',
		box('tkhd', words(0, 0, 0, 1)),
		box(
			'mdia',
			box('mdhd', words(0, 0, 0, 1000, 0)),
			box('hdlr', words(0, 0), Buffer.from('vide')),
			box('minf', box('dinf', box('dref', words(0, 1), box('url ', words(1)))), box('stbl', ...tables)),
		),
	);
}

const tables = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 40 }).chain((sizes) =>
	fc.record<Tables>({
		sizes: fc.constant(sizes),
		runs: partition(sizes.length).chain((counts) =>
			fc.tuple(...counts.map((count) => fc.record({ count: fc.constant(count), duration: fc.nat(5000) }))),
		),
		chunks: partition(sizes.length),
		gap: fc.nat(100),
		keys: fc.subarray([...sizes.keys()], { minLength: 1 }),
		delays: fc.array(fc.nat(5000), { minLength: sizes.length, maxLength: sizes.length }),
	}),
);

/** Whole numbers from 1 that add up to a total. */
function partition(total: number): fc.Arbitrary<number[]> {
	return fc.subarray(Array.from({ length: total - 1 }, (_, i) => i + 1)).map((cuts) => {
		const ends = [...cuts, total];
		return ends.map((end, i) => end - (ends[i - 1] ?? 0));
	});
}

/** Counts and numbers that programs are not ready for. */
const extreme = fc.constantFrom(
	0,
	1,
	0x7fff_ffff,
	0x8000_0000,
	0xffff_fff0,
	0xffff_ffff,
	5_000_000,
	5_000_001,
);

/** The bytes that buffers and arrays of numbers take now, outside of the heap. */
const arrayBytes = () => process.memoryUsage().arrayBuffers;

describe('tables of an MP4', () => {
	it('say what was written into them', () => {
		fc.assert(
			fc.property(tables, (written) => {
				const { boxes, offsets } = tableBoxes(written, 5000);
				const { sizes, runs, chunks, keys, delays } = written;
				const { samples, trackId, unitsPerSecond } = readMovieTrack(movieOf(Object.values(boxes)), 1e6);
				expect({ trackId, unitsPerSecond }).toEqual({ trackId: 1, unitsPerSecond: 1000 });
				expect([...samples.sizes]).toEqual(sizes);
				expect([...samples.keySamples]).toEqual(keys);
				const durations = runs.flatMap(({ count, duration }) => Array<number>(count).fill(duration));
				expect([...samples.timestamps]).toEqual(delays.map((delay, i) => sum(durations.slice(0, i)) + delay));
				const places = chunks.flatMap((count, chunk) => {
					const first = sum(chunks.slice(0, chunk));
					return Array.from({ length: count }, (_, i) => {
						return (offsets[chunk] ?? 0) + sum(sizes.slice(first, first + i));
					});
				});
				expect([...samples.offsets]).toEqual(places);
			}),
		);
	});

	it('with any word changed are read within the file or left to ffprobe, and take little memory', () => {
		const change = fc.tuple(fc.nat(10_000), fc.oneof(extreme, fc.nat(0xffff_ffff)));
		fc.assert(
			fc.property(tables, fc.array(change, { minLength: 1, maxLength: 3 }), (written, changes) => {
				const movie = movieOf(Object.values(tableBoxes(written, 5000).boxes));
				for (const [place, value] of changes) {
					movie.writeUInt32BE(value, place % (movie.length - 3));
				}
				const fileBytes = 100_000;
				const before = arrayBytes();
				try {
					const { samples } = readMovieTrack(movie, fileBytes);
					expect(sum([...samples.sizes])).toBeLessThanOrEqual(fileBytes);
					for (const [i, size] of samples.sizes.entries()) {
						expect((samples.offsets[i] ?? Number.NaN) + size).toBeLessThanOrEqual(fileBytes);
					}
				} catch (error) {
					if (!(error instanceof UnusualMovie || error instanceof RangeError)) throw error;
				}
				// A few numbers for each sample, and no more samples than bytes.
				expect(arrayBytes() - before).toBeLessThan(5_000_000);
			}),
			{ numRuns: 3000 },
		);
	});

	it.each([
		['stsz', words(0, 1, 5_000_000), 'of a byte each'],
		['stsz', words(0, 1, 0xffff_ffff), 'of a byte each, four billion of them'],
		['stsz', words(0, 0, 0xffff_ffff), 'that are not there'],
		['stsz', words(0, 0xffff_ffff, 5_000_000), 'of four gigabytes each'],
		['stts', words(0, 0xffff_ffff, 0xffff_ffff, 1), 'for four billion times as long'],
		['stss', words(0, 0xffff_ffff, 1), 'of which four billion are keys'],
		['stco', words(0, 0xffff_ffff, 1), 'in four billion chunks'],
		['stsc', words(0, 1, 1, 0xffff_ffff, 1), 'four billion to a chunk'],
	])('%s that claims samples %3$s is left to ffprobe before memory is asked for', (name, claim) => {
		const written = {
			sizes: [9, 9],
			runs: [{ count: 2, duration: 1 }],
			chunks: [2],
			gap: 0,
			keys: [0],
			delays: [0, 0],
		};
		const { boxes } = tableBoxes(written, 5000);
		const before = arrayBytes();
		expect(() => readMovieTrack(movieOf(Object.values({ ...boxes, [name]: box(name, claim) })), 1e6)).toThrow(
			UnusualMovie,
		);
		expect(arrayBytes() - before).toBeLessThan(1_000_000);
	});
});

describe('samples of an MP4', () => {
	/** A whole file of these samples. */
	async function write(
		sizes: readonly number[],
		offsets: (start: number) => readonly number[],
		data: Buffer,
	) {
		const count = sizes.length;
		const parts = (start: number) => {
			const places = offsets(start);
			return Buffer.concat([
				box('ftyp', Buffer.from('isom')),
				box(
					'moov',
					movieOf([
						box('stsd', words(0, 1), AVC_ENTRY),
						box('stts', words(0, 1, count, 1)),
						box('stss', words(0, 1, 1)),
						box('stsc', words(0, 1, 1, 1, 1)),
						box('stsz', words(0, 0, count, ...sizes)),
						box('stco', words(0, count, ...places)),
					]),
				),
				words(8 + data.length),
				Buffer.from('mdat'),
			]);
		};
		const path = join(folder, 'samples.mp4');
		await writeFile(path, Buffer.concat([parts(parts(0).length), data]));
		return path;
	}
	const { signal } = new AbortController();
	/** A slice of a key frame, of so many bytes with its length, and a unit of nothing. */
	const slice = (bytes: number) => {
		const unit = Buffer.alloc(bytes);
		unit.writeUInt32BE(bytes - 4);
		unit.set([0x65, 0x80], 4);
		return unit;
	};
	const filler = Buffer.concat([words(1), Buffer.from([0x0c])]);

	it('are read where they are what the tables say', async () => {
		const path = await write([20], (start) => [start], slice(20));
		expect((await readMovie(path, signal))?.samples.sizes).toEqual(Uint32Array.from([20]));
	});

	it('that share their bytes are left to ffprobe, and not looked through once for each', async () => {
		const data = Buffer.concat([slice(20), ...Array<Buffer>(100).fill(filler)]);
		const path = await write(Array(100).fill(data.length), (start) => Array(100).fill(start), data);
		expect(await readMovie(path, signal)).toBeUndefined();
	});

	it('of very many units are left to ffprobe', async () => {
		const data = Buffer.concat([slice(20), ...Array<Buffer>(100_000).fill(filler)]);
		expect(await readMovie(await write([data.length], (start) => [start], data), signal)).toBeUndefined();
	});
});
