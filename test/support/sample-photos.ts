import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const demo = join(
	dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')),
	'demo',
);

/** The six group photos of `@vladmandic/face-api`, with how many faces a person counts in them. */
export const SAMPLE_PHOTOS = [3, 3, 3, 4, 5, 4].map((faces, index) => ({
	name: `sample${index + 1}.jpg`,
	path: join(demo, `sample${index + 1}.jpg`),
	faces,
}));

/** The bytes of `sample<number>.jpg`. */
export function samplePhoto(number: 1 | 2 | 3 | 4 | 5 | 6): Promise<Buffer> {
	return readFile(join(demo, `sample${number}.jpg`));
}
