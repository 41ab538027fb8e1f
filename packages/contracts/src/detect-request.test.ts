import { describe, expect, it } from 'vitest';
import { parseDetectRequest } from './detect-request.ts';

describe('parseDetectRequest', () => {
	it('fills in the documented defaults', () => {
		expect(parseDetectRequest({ img: 'AAAA' })).toEqual({
			source: { kind: 'inline', base64: 'AAAA' },
			options: { numFrames: 5, returnFaceUrl: false, singleFace: false },
		});
	});

	it('prefers url, and ignores what it does not know', () => {
		const { source, options } = parseDetectRequest({
			url: 'https://example.com/a b.jpg',
			img: 'AAAA',
			num_frames: 100,
			return_face_url: true,
			single_face: true,
			future_option: 1,
		});
		expect(source).toEqual({ kind: 'url', url: 'https://example.com/a%20b.jpg' });
		expect(options).toEqual({ numFrames: 100, returnFaceUrl: true, singleFace: true });
	});

	it.each([undefined, null, 5, 'text', [], true])('refuses the body %j', (body) => {
		expect(() => parseDetectRequest(body)).toThrow(/invalid_request: body: expected a JSON object/);
	});

	it('does not show long or private values in its messages', () => {
		expect(() => parseDetectRequest({ num_frames: 'x'.repeat(100) })).toThrow(/received a string$/);
	});
});
