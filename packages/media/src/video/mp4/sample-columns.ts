import { type Box, findBox, readUInt64, requireBox, UnusualMovie } from './box.ts';

/** As many as the list of packets may have, see `frame-lists.ts`. */
const MAX_SAMPLES = 5_000_000;

/**
 * Bytes of each sample, from the content of `stsz` (ISO 14496-12, 8.7.3).
 *
 * All of them together are no more than the file: each sample is looked through later on, and samples that share their
 * bytes would make that take as long as somebody likes.
 */
export function readSampleSizes(content: Buffer, fileBytes: number): Uint32Array {
	const common = content.readUInt32BE(4);
	const count = content.readUInt32BE(8);
	if (count === 0 || count > MAX_SAMPLES) throw new UnusualMovie(`the track has ${count} samples`);
	if (common !== 0) {
		expectRoom(common * count, fileBytes);
		return new Uint32Array(count).fill(common);
	}
	const sizes = new Uint32Array(expectRows(content, 12, count, 4));
	let total = 0;
	for (let sample = 0; sample < count; sample += 1) {
		const size = content.readUInt32BE(12 + 4 * sample);
		sizes[sample] = size;
		total += size;
	}
	expectRoom(total, fileBytes);
	return sizes;
}

function expectRoom(sampleBytes: number, fileBytes: number): void {
	if (sampleBytes > fileBytes) throw new UnusualMovie('the samples have more bytes than the file');
}

/**
 * A number for each sample from the content of `stts` (durations) or `ctts` (delays): pairs of a count and a number that
 * holds for so many samples (8.6.1). Delays may be negative even where the version forbids it, durations may not.
 */
export function readRuns(content: Buffer, samples: number): Float64Array {
	const count = expectRows(content, 8, content.readUInt32BE(4), 8);
	const values = new Float64Array(samples);
	let sample = 0;
	for (let run = 0; run < count; run += 1) {
		const length = content.readUInt32BE(8 + 8 * run);
		if (length > samples - sample) throw new UnusualMovie('a table is longer than there are samples');
		values.fill(content.readInt32BE(12 + 8 * run), sample, sample + length);
		sample += length;
	}
	if (sample !== samples) throw new UnusualMovie('a table is shorter than there are samples');
	return values;
}

/** Numbers of the key samples, from 0: those of `stss` (8.6.2), and all of them without it. */
export function readSyncSamples(box: Box | undefined, samples: number): Uint32Array {
	if (box === undefined) return Uint32Array.from({ length: samples }, (_, sample) => sample);
	const { content } = box;
	const keys = new Uint32Array(expectRows(content, 8, content.readUInt32BE(4), 4));
	for (let i = 0; i < keys.length; i += 1) {
		const key = content.readUInt32BE(8 + 4 * i) - 1;
		const before = i === 0 ? -1 : (keys[i - 1] ?? 0);
		if (key <= before || key >= samples) throw new UnusualMovie('the key samples are out of order');
		keys[i] = key;
	}
	return keys;
}

/** Where each sample begins, from `stsc` (samples of each chunk, 8.7.4) and `stco` or `co64` (chunks, 8.7.5). */
export function readChunkOffsets(table: readonly Box[], sizes: Uint32Array): Float64Array {
	const chunks = readChunks(table);
	const { content } = requireBox(table, 'stsc');
	const count = expectRows(content, 8, content.readUInt32BE(4), 12);
	const row = (i: number) => ({
		firstChunk: content.readUInt32BE(8 + 12 * i) - 1,
		samples: content.readUInt32BE(12 + 12 * i),
		description: content.readUInt32BE(16 + 12 * i),
	});
	const offsets = new Float64Array(sizes.length);
	let sample = 0;
	for (let i = 0; i < count; i += 1) {
		const { firstChunk, samples, description } = row(i);
		const end = i + 1 < count ? row(i + 1).firstChunk : chunks.length;
		const isInOrder = i === 0 ? firstChunk === 0 : firstChunk < end;
		if (!isInOrder || end > chunks.length || description !== 1) throw new UnusualMovie('the chunks are odd');
		if (samples * (end - firstChunk) > sizes.length - sample)
			throw new UnusualMovie('chunks without samples');
		for (let chunk = firstChunk; chunk < end; chunk += 1) {
			let offset = chunks[chunk] ?? 0;
			for (const last = sample + samples; sample < last; sample += 1) {
				offsets[sample] = offset;
				offset += sizes[sample] ?? 0;
			}
		}
	}
	if (sample !== sizes.length) throw new UnusualMovie('samples without a chunk');
	return offsets;
}

function readChunks(table: readonly Box[]): Float64Array {
	const short = findBox(table, 'stco');
	const { content } = short ?? requireBox(table, 'co64');
	const bytes = short === undefined ? 8 : 4;
	const chunks = new Float64Array(expectRows(content, 8, content.readUInt32BE(4), bytes));
	for (let chunk = 0; chunk < chunks.length; chunk += 1) {
		const at = 8 + bytes * chunk;
		chunks[chunk] = short === undefined ? readUInt64(content, at) : content.readUInt32BE(at);
	}
	return chunks;
}

/** Before memory is asked for: a table has no more rows than bytes for them. */
function expectRows(content: Buffer, start: number, count: number, rowBytes: number): number {
	if (count * rowBytes > content.length - start) throw new UnusualMovie('a table is cut off');
	return count;
}
