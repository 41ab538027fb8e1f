import { AppError } from '@facet/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDisplayMatrix } from './display-geometry.ts';
import { completeTimestamps } from './frame-index.ts';
import { field, numberField } from './probe-line.ts';
import { describeVideo, type StreamDescription } from './stream-description.ts';
import { TimestampReader } from './timestamp-reader.ts';

fc.configureGlobal({ seed: 6, numRuns: 500 });

const MAX_PIXELS = 1e8;
const REFUSALS = ['corrupt_media', 'no_video_stream', 'unsupported_format', 'too_many_pixels'];

/** What a description says, or undefined for one that is refused as documented. */
function describeOrRefuse(text: string): StreamDescription | undefined {
	try {
		return describeVideo(text, MAX_PIXELS);
	} catch (error) {
		if (error instanceof AppError && REFUSALS.includes(error.code)) return undefined;
		throw error;
	}
}

function expectSound(video: StreamDescription): void {
	const { coded, geometry, timeBase, claimedFrames, claimedSeconds, stream } = video;
	for (const { width, height } of [coded, geometry]) {
		expect(width).toBeGreaterThan(0);
		expect(height).toBeGreaterThan(0);
		expect(width * height).toBeLessThanOrEqual(MAX_PIXELS);
	}
	expect([0, 90, 180, 270]).toContain(geometry.rotation);
	expect(Number.isSafeInteger(stream)).toBe(true);
	expect(timeBase.numerator / timeBase.denominator).toBeGreaterThan(0);
	expect(Number.isFinite(timeBase.numerator) && Number.isFinite(timeBase.denominator)).toBe(true);
	for (const claim of [claimedFrames, claimedSeconds]) {
		if (claim !== undefined) expect(Number.isFinite(claim)).toBe(true);
	}
}

describe('ffprobe’s description', () => {
	const odd = fc.oneof(
		fc.constantFrom<unknown>(
			'N/A',
			'',
			'unknown',
			'0/0',
			'0:1',
			'1/0',
			'9'.repeat(400),
			'1e999',
			'tt',
			-1,
			2 ** 31,
		),
		fc.constantFrom<unknown>('00000000: 0 65536 0\n00000001: -65536 0 0\n00000002: 0 0 1073741824', {}, []),
		fc.jsonValue({ maxDepth: 2 }),
		fc.double(),
	);
	const good = fc.record({
		index: fc.nat(1000),
		codec_type: fc.constantFrom('video', 'video', 'audio'),
		codec_name: fc.constantFrom('h264', 'vp9'),
		width: fc.integer({ min: 1, max: 5000 }),
		height: fc.integer({ min: 1, max: 5000 }),
		time_base: fc.constantFrom('1/1000', '1001/30000', '1/90000'),
		sample_aspect_ratio: fc.constantFrom('1:1', '4:3', '0:1', '64:45'),
		pix_fmt: fc.constantFrom('yuv420p', 'yuva420p', 'rgba'),
	});
	const changed = fc
		.tuple(
			good,
			fc.dictionary(
				fc.constantFrom(
					...[
						'index',
						'id',
						'codec_type',
						'codec_name',
						'width',
						'height',
						'pix_fmt',
						'field_order',
						'duration',
					],
					...['sample_aspect_ratio', 'time_base', 'nb_frames', 'color_space', 'disposition', 'tags'],
					...['side_data_list', '__proto__'],
				),
				odd,
				{ maxKeys: 4 },
			),
			fc.array(fc.record({ displaymatrix: odd, rotation: odd }, { requiredKeys: [] }), { maxLength: 2 }),
		)
		.map(([stream, changes, side_data_list]) => ({ ...stream, side_data_list, ...changes }));

	it('of any streams is one that can be worked with, or a refusal', () => {
		const description = fc.record(
			{
				streams: fc.oneof(fc.array(changed, { maxLength: 4 }), odd),
				format: fc.oneof(odd, fc.record({ duration: odd })),
			},
			{ requiredKeys: ['streams'] },
		);
		let described = 0;
		fc.assert(
			fc.property(description, (value) => {
				const video = describeOrRefuse(JSON.stringify(value));
				if (video === undefined) return;
				described += 1;
				expectSound(video);
			}),
			{ numRuns: 3000 },
		);
		// Otherwise it would only have tried refusals.
		expect(described).toBeGreaterThan(500);
	});

	it('of any text, or cut off anywhere, is nothing or a refusal', () => {
		fc.assert(
			fc.property(
				changed,
				fc.double({ min: 0, max: 0.99, noNaN: true }),
				fc.string(),
				(stream, share, text) => {
					const whole = JSON.stringify({ streams: [stream] });
					expect(describeOrRefuse(whole.slice(0, whole.length * share))).toBeUndefined();
					expect(describeOrRefuse(text)).toBeUndefined();
				},
			),
		);
	});

	it('of good streams says what is in it', () => {
		fc.assert(
			fc.property(good, (stream) => {
				const video = describeOrRefuse(JSON.stringify({ streams: [{ ...stream, codec_type: 'video' }] }));
				expect(video).toMatchObject({
					stream: stream.index,
					codec: stream.codec_name,
					coded: { width: stream.width, height: stream.height },
					pixelFormat: stream.pix_fmt,
				});
			}),
		);
	});

	it('has a display matrix or none, and a rotation is what was written', () => {
		const rows = (numbers: readonly number[]) =>
			[0, 3, 6].map((at, row) => `0000000${row}: ${numbers.slice(at, at + 3).join(' ')}`).join('\n');
		const number = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
		fc.assert(
			fc.property(fc.array(number, { minLength: 9, maxLength: 9 }), fc.string(), (numbers, text) => {
				expect([undefined, 0, 90, 180, 270]).toContain(parseDisplayMatrix(rows(numbers))?.rotation);
				expect(parseDisplayMatrix(text)).toBeUndefined();
			}),
		);
		fc.assert(
			fc.property(fc.constantFrom(0, 90, 180, 270), fc.integer({ min: 1, max: 65_536 }), (degrees, scale) => {
				const [cos, sin] = [Math.cos, Math.sin].map((f) => Math.round(f((degrees * Math.PI) / 180)) * scale);
				const matrix = rows([cos ?? 0, sin ?? 0, 0, -(sin ?? 0), cos ?? 0, 0, 0, 0, 1]);
				expect(parseDisplayMatrix(matrix)).toEqual({ rotation: degrees, mirrored: false });
			}),
		);
	});
});

describe('lines of ffprobe and ffmpeg', () => {
	const name = fc.constantFrom(
		'pts',
		'pos',
		'size',
		'duration',
		'flags',
		'key_frame',
		'best_effort_timestamp',
	);
	const value = fc.oneof(fc.integer().map(String), fc.constantFrom('N/A', '', 'K__', '_D_'));

	it('have the fields that were written, and no others', () => {
		fc.assert(
			fc.property(fc.dictionary(name, value), name, (fields, asked) => {
				const line = Object.entries(fields)
					.map(([key, text]) => `${key}=${text}`)
					.join('|');
				expect(field(line, asked)).toBe(Object.hasOwn(fields, asked) ? fields[asked] : undefined);
				const number = /^-?\d+$/.test(fields[asked] ?? '') ? Number(fields[asked]) : Number.NaN;
				expect(numberField(line, asked)).toBe(number);
			}),
		);
	});

	it('of any text have a field or none', () => {
		const text = fc.string({ unit: fc.constantFrom('pts', '=', '|', '1', 'N/A', '\\', ' '), maxLength: 30 });
		fc.assert(
			fc.property(text, (line) => {
				const found = field(line, 'pts');
				if (found !== undefined) expect(line).toContain(`pts=${found}`);
				expect(typeof numberField(line, 'pts')).toBe('number');
			}),
		);
	});

	it('of frames are their timestamps in order, other lines are nobody’s', async () => {
		const timestamp = fc.oneof(fc.integer(), fc.constantFrom('NOPTS', '9'.repeat(50), '-'));
		const other = fc.string().filter((text) => !text.startsWith('frame:'));
		await fc.assert(
			fc.asyncProperty(fc.array(timestamp), other, async (timestamps, noise) => {
				const reader = new TimestampReader();
				for (const [frame, pts] of timestamps.entries()) {
					expect(reader.read(noise)).toBe(false);
					expect(reader.read(`frame:${frame}    pts:${pts}    pts_time:1.5`)).toBe(true);
				}
				reader.end();
				for (const pts of timestamps) expect(await reader.next()).toBe(Number(pts));
				expect(await reader.next()).toBeUndefined();
			}),
		);
	});
});

it('timestamps, whichever of them are missing, are completed and none is moved', () => {
	const timestamp = fc.oneof(fc.integer({ min: -1e9, max: 1e12 }), fc.constant(Number.NaN));
	fc.assert(
		fc.property(
			fc.array(timestamp, { maxLength: 200 }),
			fc.double({ min: 1e-3, max: 1e5 }),
			(given, step) => {
				const { timestamps, missing } = completeTimestamps(Float64Array.from(given), step);
				expect(timestamps).toHaveLength(given.length);
				expect(missing).toBe(given.filter(Number.isNaN).length);
				for (const [i, value] of given.entries()) {
					expect(Number.isFinite(timestamps[i])).toBe(true);
					if (!Number.isNaN(value)) expect(timestamps[i]).toBe(value);
				}
			},
		),
	);
});
