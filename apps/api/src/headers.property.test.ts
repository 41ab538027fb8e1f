import { AppError } from '@facet/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCancelAfter } from './cancel-after.ts';
import { parseIdempotencyKey } from './idempotently.ts';
import { decodeInlineImage } from './inline-image.ts';
import { parseLastEvent } from './job-event-feed.ts';
import { parsePrefer, preferenceApplied } from './prefer.ts';

fc.configureGlobal({ seed: 6, numRuns: 500 });

/** Node takes 16 KiB of headers. */
const MAX_HEADER_LENGTH = 16_384;
/** Long enough for a busy machine, and short of what one quadratic pattern takes. */
const BLINK_MS = 150;

/** Text as headers may have it, made of the characters that mean something to one of the parsers more often than not. */
const header = fc.oneof(
	fc.string({ unit: fc.constantFrom(...',;="\\ \tawit=respond-async0123456789smh'), maxLength: 60 }),
	fc.string({ maxLength: 200 }),
);
/** One to three characters over and over: what a pattern with two ways to match takes longest for. */
const monotonous = fc
	.tuple(
		fc.string({ maxLength: 12, unit: fc.constantFrom(...'a=",; \\0wait') }),
		fc.string({ minLength: 1, maxLength: 3, unit: fc.constantFrom(...'a=",; \\0\t') }),
		fc.constantFrom('', '!', '"', '=', '\0'),
	)
	.map(([start, unit, end]) => (start + unit.repeat(MAX_HEADER_LENGTH / unit.length)).slice(0, -1) + end);

/** What a parser gives, or the code of the refusal; any other error is a fault of ours. */
function outcome<T>(parse: () => T): T | AppError {
	try {
		return parse();
	} catch (error) {
		if (error instanceof AppError && error.code === 'invalid_request') return error;
		throw error;
	}
}

describe('headers of any content', () => {
	it('Prefer: is read or ignored, and what is read can be said back', () => {
		fc.assert(
			fc.property(header, (text) => {
				const preferences = parsePrefer(text);
				expect(parsePrefer(preferenceApplied(preferences))).toEqual(preferences);
			}),
		);
	});

	it('Prefer: finds its preferences between others', () => {
		const other = fc.constantFrom('handling=lenient', 'x="a, wait=9"', 'y="\\", respond-async"', '', ' ,');
		fc.assert(
			fc.property(fc.array(other), fc.nat(1e6), fc.array(other), (before, wait, after) => {
				const text = [...before, `wait=${wait}`, ...after].join(', ');
				expect(parsePrefer(text)).toEqual({ respondAsync: false, waitSeconds: wait });
			}),
		);
	});

	it('Cancel-After: is a time between the limits or a refusal', () => {
		fc.assert(
			fc.property(header, (text) => {
				const seconds = outcome(() => parseCancelAfter(text));
				if (seconds instanceof AppError) return;
				expect(Number.isInteger(seconds)).toBe(true);
				expect(seconds).toBeGreaterThanOrEqual(5);
				expect(seconds).toBeLessThanOrEqual(86_400);
			}),
		);
	});

	it('Idempotency-Key: is itself or a refusal', () => {
		fc.assert(
			fc.property(header, (text) => {
				const key = outcome(() => parseIdempotencyKey(text));
				if (!(key instanceof AppError)) expect(key).toBe(text);
			}),
		);
	});

	it('Last-Event-ID: is a place in a stream or nothing', () => {
		fc.assert(
			fc.property(fc.oneof(header, fc.stringMatching(/^\d{1,20}-\d{1,20}(-end)?$/)), (text) => {
				const last = parseLastEvent(text);
				if (last !== undefined) expect(text).toBe(last.id + (last.isEnd ? '-end' : ''));
			}),
		);
	});

	it('however long they are, and however alike their characters', () => {
		const parsers = [parsePrefer, parseCancelAfter, parseIdempotencyKey, parseLastEvent];
		fc.assert(
			fc.property(monotonous, (text) => {
				for (const parse of parsers) {
					const start = performance.now();
					outcome(() => parse(text));
					expect(performance.now() - start).toBeLessThan(BLINK_MS);
				}
			}),
			{ numRuns: 150 },
		);
	});
});

describe('inline images', () => {
	it('of any bytes come out as they went in, in both alphabets, padded or not, broken into lines, as data URIs', () => {
		const encoding = fc.constantFrom<'base64' | 'base64url'>('base64', 'base64url');
		const prefix = fc.constantFrom(
			'',
			'data:;base64,',
			'data:image/png;base64,',
			'DATA:text/html;x=y;BASE64,',
		);
		fc.assert(
			fc.property(
				fc.uint8Array({ minLength: 1 }),
				encoding,
				prefix,
				fc.boolean(),
				(bytes, alphabet, start, hasLines) => {
					const text = Buffer.from(bytes).toString(alphabet);
					const img = start + (hasLines ? text.replace(/.{4}/g, '$&\r\n') : text);
					expect(decodeInlineImage(img)).toEqual(Buffer.from(bytes));
				},
			),
		);
	});

	it('of any text are bytes or a refusal', () => {
		const text = fc.oneof(
			fc.string(),
			fc.base64String(),
			fc.string().map((rest) => `data:${rest}`),
		);
		fc.assert(
			fc.property(text, (img) => {
				const bytes = outcome(() => decodeInlineImage(img));
				if (!(bytes instanceof AppError)) expect(bytes.length).toBeLessThanOrEqual(img.length);
			}),
		);
	});
});
