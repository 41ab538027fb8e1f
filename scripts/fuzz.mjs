import { parseArgs } from 'node:util';
import { main } from './process/main.mjs';
import { runAttached } from './process/run.mjs';
import { inRoot } from './root.mjs';

/**
 * Changed photos and videos through the built service: `npm run fuzz -- [--photos 10000] [--videos 500] [--seed 1]`.
 */
await main(async () => {
	const { values } = parseArgs({
		options: {
			photos: { type: 'string', default: '10000' },
			videos: { type: 'string', default: '500' },
			seed: { type: 'string', default: '1' },
		},
	});
	return runAttached(process.execPath, [inRoot('scripts', 'test.mjs'), 'test/fuzz/media.test.ts'], {
		env: {
			...process.env,
			FUZZ_PHOTOS: values.photos,
			FUZZ_VIDEOS: values.videos,
			FUZZ_SEED: values.seed,
		},
	});
});
