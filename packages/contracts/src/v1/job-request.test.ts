import { describe, expect, it } from 'vitest';
import { AppError } from '../errors.ts';
import { parseBatchItem, parseJobRequest } from './job-request.ts';

const url = 'https://example.com/photo.jpg';

function refusal(body: unknown): AppError {
	try {
		parseJobRequest(body);
	} catch (error) {
		if (error instanceof AppError) return error;
	}
	throw new Error('expected a refusal');
}

describe('parseJobRequest', () => {
	it('fills in what was left out', () => {
		expect(parseJobRequest({ url })).toEqual({
			media: { kind: 'url', url },
			options: { numFrames: 5, returnFaceUrl: false, singleFace: false },
			include: [],
			tag: undefined,
			priority: 'normal',
			webhook: undefined,
			dedupe: false,
		});
	});

	it('takes every option', () => {
		const request = parseJobRequest({
			upload_id: 'upl_0123456789abcdef',
			num_frames: 10,
			min_face_size: 20,
			include: ['scores', 'scores', 'persons'],
			webhook_url: 'https://example.com/hook',
			webhook_events: ['detection.failed'],
			tag: 'a',
			priority: 'high',
			dedupe: true,
		});
		expect(request).toMatchObject({
			media: { kind: 'upload', uploadId: 'upl_0123456789abcdef' },
			options: { numFrames: 10, minFaceSize: 20 },
			include: ['scores', 'persons'],
			webhook: { url: 'https://example.com/hook', events: ['detection.failed'] },
			priority: 'high',
			dedupe: true,
		});
	});

	it.each([
		[{}, 'missing_input'],
		[{ url, img: 'AAAA' }, 'invalid_request'],
		[{ url: 'ftp://example.com/a' }, 'invalid_url'],
		[{ url, webhook_url: 'file:///etc/passwd' }, 'invalid_url'],
		[{ url, webhook_events: ['detection.failed'] }, 'invalid_request'],
		[{ url, num_frame: 5 }, 'invalid_request'],
		[[url], 'invalid_request'],
	])('refuses %j: %s', (body, code) => {
		expect(refusal(body).code).toBe(code);
	});

	it('names every fault', () => {
		const { faults } = refusal({ url, num_frames: 0, include: ['ages'], tag: '' });
		expect(faults?.map(({ pointer }) => pointer)).toEqual(['/num_frames', '/include/0', '/tag']);
	});
});

describe('parseBatchItem', () => {
	it('puts an item’s own options before the defaults', () => {
		const defaults = { num_frames: 3, tag: 'all', webhook_url: 'https://example.com/hook' };
		expect(parseBatchItem({ url, tag: 'mine' }, defaults)).toMatchObject({
			options: { numFrames: 3 },
			tag: 'mine',
			webhook: { url: 'https://example.com/hook' },
		});
	});
});
