import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDetectRequest } from './detect-request.ts';
import { AppError } from './errors.ts';
import { type NdjsonLine, ndjsonLines } from './ndjson-lines.ts';
import { parseBatchItem, parseJobForm, parseJobRequest } from './v1/job-request.ts';

fc.configureGlobal({ seed: 6, numRuns: 1000 });

const CODES = ['invalid_request', 'invalid_url', 'missing_input'];

const value = fc.oneof(
	fc.jsonValue(),
	fc.webUrl(),
	fc.constantFrom(
		'',
		'https://example.com/a.jpg',
		'ftp://example.com/',
		'file:///etc/passwd',
		'AAAA',
		5,
		true,
		0.5,
	),
	fc.constantFrom('__proto__', 'constructor', 'high', 'detection.succeeded'),
	fc.double(),
	fc.bigInt().map(Number),
);
const field = fc.constantFrom(
	...['url', 'img', 'upload_id', 'num_frames', 'return_face_url', 'single_face', 'min_face_size'],
	...['score_threshold', 'include', 'tag', 'webhook_url', 'webhook_events', 'priority', 'dedupe'],
	...['__proto__', 'toString', 'x'],
);
/** Mostly objects whose fields are ours, with values that may be anything. */
const body = fc.oneof(
	{ weight: 5, arbitrary: fc.array(fc.tuple(field, value), { maxLength: 6 }).map(Object.fromEntries) },
	{ weight: 1, arbitrary: fc.jsonValue() },
);

describe('bodies of any content', () => {
	it.each([
		['POST /detect_faces', parseDetectRequest],
		['POST /v1/jobs', parseJobRequest],
		['POST /v1/jobs, a form', parseJobForm],
		['an item of a batch', (item: unknown) => parseBatchItem(item, { num_frames: 3, tag: 'default' })],
	])('%s: are a request or a refusal that says why', (_, parse) => {
		fc.assert(
			fc.property(body, (json) => {
				try {
					const { options } = parse(json);
					expect(options.numFrames).toBeGreaterThanOrEqual(1);
					expect(options.numFrames).toBeLessThanOrEqual(100);
				} catch (error) {
					if (!(error instanceof AppError)) throw error;
					expect(CODES).toContain(error.code);
					// Neither an image nor a secret of the caller's may stand in an answer or a log.
					expect(error.message.length).toBeLessThan(3000);
				}
			}),
		);
	});

	it('URLs that are taken are http or https', () => {
		const scheme = fc.constantFrom(
			'http',
			'https',
			'ftp',
			'file',
			'gopher',
			'data',
			'javascript',
			'unix',
			'HTTP',
		);
		const url = fc.oneof(
			fc.tuple(scheme, fc.string()).map(([name, rest]) => `${name}://${rest}`),
			fc.tuple(scheme, fc.string()).map(([name, rest]) => `${name}:${rest}`),
			fc.webUrl(),
			fc.string(),
		);
		fc.assert(
			fc.property(url, (text) => {
				try {
					const { source } = parseDetectRequest({ url: text });
					expect(source.kind === 'url' ? new URL(source.url).protocol : '').toMatch(/^https?:$/);
				} catch (error) {
					if (!(error instanceof AppError)) throw error;
				}
			}),
		);
	});
});

describe('lines of any bytes', () => {
	it('are the same however they come in pieces, and none is longer than allowed', async () => {
		const text = fc.string({ unit: fc.constantFrom('a', '{', '\n', '\r', 'é', '\u0000'), maxLength: 200 });
		await fc.assert(
			fc.asyncProperty(
				text,
				fc.array(fc.nat(40)),
				fc.integer({ min: 1, max: 50 }),
				async (all, cuts, limit) => {
					const bytes = Buffer.from(all);
					const parts = async function* () {
						let at = 0;
						for (const length of cuts) {
							yield bytes.subarray(at, at + length);
							at += length;
						}
						yield bytes.subarray(at);
					};
					const lines: NdjsonLine[] = [];
					for await (const line of ndjsonLines(parts(), limit)) lines.push(line);
					const expected = bytes.toString('latin1').split('\n');
					if (expected.at(-1) === '') expected.pop();
					expect(lines.map(({ number }) => number)).toEqual(expected.map((_, index) => index + 1));
					expect(lines.map((line) => line.bytes && Buffer.from(line.bytes).toString('latin1'))).toEqual(
						expected.map((line) => (line.length > limit ? undefined : line)),
					);
				},
			),
			{ numRuns: 500 },
		);
	});
});
