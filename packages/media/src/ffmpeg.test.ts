import { expect, it } from 'vitest';
import { startRawDecode } from './ffmpeg.ts';

it('a decode that fails before its first frame ends, with its error', async () => {
	const { pixels, ended } = startRawDecode('/nowhere/video.mp4', {
		stream: 0,
		inputOptions: [],
		filters: ['null'],
		outputOptions: [],
		onLine: () => {},
	});
	const chunks: unknown[] = [];
	for await (const chunk of pixels) chunks.push(chunk);
	expect(chunks).toEqual([]);
	expect((await ended).error).toBeInstanceOf(Error);
});
