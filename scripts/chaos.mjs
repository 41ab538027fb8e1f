import { parseArgs } from 'node:util';
import { Failure } from './failure.mjs';
import { main } from './process/main.mjs';
import { runAttached } from './process/run.mjs';
import { inRoot } from './root.mjs';

/**
 * The scenarios of test/chaos, a line each: `npm run test:chaos -- [--jobs 1000] [--seed 7] [--only storm]`. The jobs and
 * the seed are those of the storm; the other scenarios have no chance in them. Without any it is what `npm test` does of them.
 */
await main(async () => {
	const { values } = parseArgs({
		options: {
			jobs: { type: 'string', default: '100' },
			seed: { type: 'string', default: '1' },
			only: { type: 'string', default: '' },
		},
	});
	for (const name of /** @type {const} */ (['jobs', 'seed'])) {
		if (!/^\d+$/.test(values[name]))
			throw new Failure(`Expected a number as --${name}, got "${values[name]}"`);
	}
	return runAttached(process.execPath, [inRoot('scripts', 'test.mjs'), `test/chaos/${values.only}`], {
		env: { ...process.env, CHAOS_JOBS: values.jobs, CHAOS_SEED: values.seed },
	});
});
