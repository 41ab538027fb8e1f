import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { hasFirstFrame } from './gif-frame.ts';

fc.configureGlobal({ seed: 6, numRuns: 300 });

const WIDTH = 400;
const HEIGHT = 300;

/** Noise: its data clear their table of codes many times, and are longer than what is read at once. */
const noise = sharp({
	create: {
		width: WIDTH,
		height: HEIGHT,
		channels: 3,
		background: '#000',
		noise: { type: 'gaussian', mean: 128, sigma: 60 },
	},
}).gif({ effort: 1 });

it('counts every pixel, in a file as in memory, and none that is not there', async () => {
	const directory = await mkdtemp(join(tmpdir(), 'facet-test-'));
	try {
		for (const picture of [
			noise,
			noise.clone().blur(20),
			noise.clone().threshold(),
			noise.clone().extract({ left: 0, top: 0, width: 1, height: 1 }),
		]) {
			const { data, info } = await picture.toBuffer({ resolveWithObject: true });
			const path = join(directory, 'picture.gif');
			await writeFile(path, data);
			const justMore = 1 + 0.5 / (info.width * info.height);
			for (const source of [path, data]) {
				expect(hasFirstFrame(source, 1)).toBe(true);
				expect(hasFirstFrame(source, justMore)).toBe(false);
			}
			await writeFile(path, data.subarray(0, data.length / 2));
			expect(hasFirstFrame(path, 0.75)).toBe(false);
		}
	} finally {
		await rm(directory, { recursive: true, force: true });
	}
});

it('says yes or no to any bytes', async () => {
	const gif = await noise.toBuffer();
	const changes = fc.array(fc.record({ at: fc.nat(2000), byte: fc.nat(255) }), { maxLength: 20 });
	fc.assert(
		fc.property(fc.uint8Array(), changes, (bytes, changed) => {
			const mutant = Buffer.from(gif);
			for (const { at, byte } of changed) mutant[at] = byte;
			for (const any of [Buffer.from(bytes), mutant]) expect(typeof hasFirstFrame(any, 0.75)).toBe('boolean');
		}),
	);
});
