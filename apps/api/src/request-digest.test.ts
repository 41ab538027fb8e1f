import { detectOptionsSchema } from '@facet/contracts';
import { expect, it } from 'vitest';
import { type Detection, fingerprintOf } from './request-digest.ts';

const detection: Detection = {
	owner: 'open',
	media: 'url https://example.com/a.jpg',
	options: detectOptionsSchema.parse({}),
	include: ['scores', 'persons'],
};

it('is the same for the same detection, in whatever order it is written', () => {
	const { numFrames, returnFaceUrl, singleFace } = detection.options;
	const same = {
		...detection,
		options: { singleFace, returnFaceUrl, numFrames, minFaceSize: undefined },
		include: ['persons', 'scores'] as const,
	};
	expect(fingerprintOf('v1', same)).toBe(fingerprintOf('v1', detection));
	expect(fingerprintOf('v1', detection)).toMatch(/^[\w-]{22}$/);
});

it('is another one for another caller, media, option, extra, and kind of wait', () => {
	const { options } = detection;
	const others: Detection[] = [
		{ ...detection, owner: 'key_1' },
		{ ...detection, media: 'url https://example.com/b.jpg' },
		{ ...detection, options: { ...options, numFrames: 6 } },
		{ ...detection, options: { ...options, returnFaceUrl: true } },
		{ ...detection, options: { ...options, singleFace: true } },
		{ ...detection, options: { ...options, minFaceSize: 0.5 } },
		{ ...detection, options: { ...options, scoreThreshold: 0.5 } },
		{ ...detection, include: ['scores'] },
	];
	const all = [
		fingerprintOf('sync', detection),
		...[detection, ...others].map((one) => fingerprintOf('v1', one)),
	];
	expect(new Set(all).size).toBe(all.length);
});
