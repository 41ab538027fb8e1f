import { gzipSync } from 'node:zlib';
import type { ErrorCode } from '@facet/contracts';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Answer, Facet } from '../support/facet.ts';
import { samplePhoto } from '../support/sample-photos.ts';

let facet: Facet;

beforeAll(async () => {
	facet = await Facet.start(inject('redisUrl'), { MAX_SOURCE_PIXELS: '5000000' });
});

afterAll(async () => {
	await facet?.stop();
});

function expectFailure(
	answer: Answer,
	status: number,
	code: ErrorCode,
	message: string,
	detail?: RegExp,
): void {
	expect(answer.body).toMatchObject({ error_code: 1, error_msg: message, faces_obj: {}, error: { code } });
	expect(answer.status).toBe(status);
	expect(answer.headers.get('x-request-id')).toMatch(/^[\w.:-]+$/);
	if (detail) expect(answer.body.error).toMatchObject({ detail: expect.stringMatching(detail) });
}

const MISSING = "Either 'url' or 'img' parameter must be provided";
const PROCESSING = 'Failed to process media';

describe('requests that are refused', () => {
	it.each([
		['no source', {}],
		['empty strings', { url: '', img: '' }],
		['nulls', { url: null, img: null }],
	])('%s', async (_, body) => {
		expectFailure(await facet.detect(body), 400, 'missing_input', MISSING);
	});

	it.each(['not a url', 'example.com/photo.jpg', 'ftp://example.com/a.jpg', 'file:///etc/passwd', 'http://'])(
		'url %j',
		async (url) => {
			const img = (await samplePhoto(1)).toString('base64');
			expectFailure(await facet.detect({ url, img }), 400, 'invalid_url', 'Invalid URL format');
		},
	);

	it.each([
		[{ url: 5 }, /url: expected a string, received 5/],
		[{ img: ['a'] }, /img: expected a string, received an array/],
		[{ img: 'x', num_frames: '5' }, /num_frames: expected an? (number|integer), received the string "5"/],
		[{ img: 'x', num_frames: 2.5 }, /num_frames: expected an integer, received 2.5/],
		[{ img: 'x', num_frames: 0 }, /num_frames: expected at least 1, received 0/],
		[{ img: 'x', num_frames: 101 }, /num_frames: expected at most 100, received 101/],
		[{ img: 'x', return_face_url: 'yes' }, /return_face_url: expected a boolean, received the string "yes"/],
		[{ img: 'x', single_face: 1 }, /single_face: expected a boolean, received 1/],
		[{ img: 'not base64!' }, /img: expected base64/],
		[{ img: 'data:image/svg+xml;utf8,<svg/>' }, /img: expected a data URI in base64/],
		[{ img: 'data:image/jpeg;base64,' }, /img: expected base64/],
		[[], /body: expected a JSON object, received an array/],
		['"text"', /body: expected a JSON object, received the string "text"/],
		['{"url": ', /body: expected JSON/],
	])('body %j', async (body, detail) => {
		expectFailure(await facet.detect(body), 400, 'invalid_request', 'Invalid request', detail);
	});

	it('names every field at fault', async () => {
		const answer = await facet.detect({ url: 1, num_frames: 1000 });
		expectFailure(answer, 400, 'invalid_request', 'Invalid request', /url: .*; num_frames: /);
	});

	it('a content type other than JSON', async () => {
		const answer = await facet.detect('{}', { 'content-type': 'text/plain' });
		expectFailure(
			answer,
			400,
			'invalid_request',
			'Invalid request',
			/expected application\/json, received text\/plain/,
		);
	});

	it('a body of more than 30 MB, also when it is compressed', async () => {
		const body = JSON.stringify({ img: 'A'.repeat(31 * 1024 * 1024) });
		expectFailure(await facet.detect(body), 413, 'body_too_large', 'Request body too large');
		const response = await fetch(`${facet.url}/detect_faces`, {
			method: 'POST',
			headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
			body: gzipSync(body),
		});
		expect(response.status).toBe(413);
		expect(await response.json()).toMatchObject({ error_code: 1, faces_obj: {} });
	});

	it('another method, and another path', async () => {
		const get = await fetch(`${facet.url}/detect_faces`);
		expect(get.status).toBe(405);
		expect(get.headers.get('allow')).toBe('POST');
		expect(await get.json()).toMatchObject({ error_code: 1, error: { code: 'method_not_allowed' } });
		const lost = await fetch(`${facet.url}/detect_face`, { method: 'POST' });
		expect(lost.status).toBe(404);
		expect(await lost.json()).toMatchObject({ error_code: 1, error: { code: 'not_found' } });
	});
});

describe('media that cannot be processed', () => {
	const heic = Buffer.concat([
		Buffer.from([0, 0, 0, 24]),
		Buffer.from('ftypheic\0\0\0\0mif1heic', 'latin1'),
		Buffer.alloc(64),
	]);
	it.each<[string, Buffer, RegExp]>([
		['HEIC', heic, /HEIC/],
		[
			'SVG',
			Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
			/SVG/,
		],
		['PDF', Buffer.from('%PDF-1.7\n%\xe2\xe3\n1 0 obj\n', 'latin1'), /PDF/],
		['an HTML page', Buffer.from('<!doctype html><title>Not found</title>'), /HTML/],
		['bytes of no format', Buffer.from('0123456789'.repeat(20)), /no known format/],
	])('%s is unsupported_format', async (_, bytes, detail) => {
		const answer = await facet.detect({ img: bytes.toString('base64') });
		expectFailure(answer, 500, 'unsupported_format', PROCESSING, detail);
		expect(answer.body.error).toMatchObject({ retryable: false });
	});

	it('a truncated JPEG and one with a broken header are corrupt_media', async () => {
		const photo = await samplePhoto(1);
		for (const bytes of [photo.subarray(0, photo.length / 2), photo.subarray(0, 30)]) {
			const answer = await facet.detect({ img: bytes.toString('base64') });
			expectFailure(answer, 500, 'corrupt_media', PROCESSING);
		}
	});

	it('a BMP whose pixels are missing is corrupt_media', async () => {
		const bmp = Buffer.alloc(60);
		bmp.write('BM');
		bmp.writeUInt32LE(54, 10);
		bmp.writeUInt32LE(40, 14);
		bmp.writeInt32LE(500, 18);
		bmp.writeInt32LE(500, 22);
		bmp.writeUInt16LE(1, 26);
		bmp.writeUInt16LE(24, 28);
		expectFailure(await facet.detect({ img: bmp.toString('base64') }), 500, 'corrupt_media', PROCESSING);
		bmp.writeInt32LE(50_000, 18);
		bmp.writeInt32LE(-50_000, 22);
		expectFailure(await facet.detect({ img: bmp.toString('base64') }), 500, 'too_many_pixels', PROCESSING);
	});

	it('more pixels than MAX_SOURCE_PIXELS are refused before they are decoded', async () => {
		const png = await sharp({ create: { width: 3000, height: 2000, channels: 3, background: 'white' } })
			.png()
			.toBuffer();
		const answer = await facet.detect({ img: png.toString('base64') });
		expectFailure(answer, 500, 'too_many_pixels', PROCESSING, /at most 5000000 pixels, received 3000 x 2000/);
	});

	it('leaves no temporary file and no inline image behind', async () => {
		const photo = await samplePhoto(1);
		await facet.detect({ img: photo.toString('base64') });
		await facet.detect({ img: photo.subarray(0, 5000).toString('base64') });
		await expect.poll(() => facet.storedObjects()).toEqual([]);
		const left = await facet.temporaryFiles();
		expect(left.filter((name) => name.includes('job-'))).toEqual([]);
	});
});

describe('headers', () => {
	it('gives back a harmless X-Request-Id and replaces others', async () => {
		const kept = await facet.detect({}, { 'x-request-id': 'client-42' });
		expect(kept.headers.get('x-request-id')).toBe('client-42');
		const replaced = await facet.detect({}, { 'x-request-id': 'a b'.repeat(100) });
		expect(replaced.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
	});

	it('names the job, also of a failure', async () => {
		const answer = await facet.detect({ img: 'AAAA' });
		expect(answer.headers.get('x-job-id')).toMatch(/^[0-9a-f-]{36}$/);
		expect(answer.body.error).toMatchObject({ job_id: answer.headers.get('x-job-id') });
	});
});
