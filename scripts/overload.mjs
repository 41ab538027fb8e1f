import { parseArgs } from 'node:util';
import { main } from './process/main.mjs';
import { runAttached } from './process/run.mjs';
import { inRoot } from './root.mjs';

/** Ten times the capacity: `npm run test:overload -- [--seconds 600] [--batch 10000]`. */
await main(async () => {
	const { values } = parseArgs({
		options: {
			seconds: { type: 'string', default: '600' },
			batch: { type: 'string', default: '10000' },
		},
	});
	const args = [inRoot('scripts', 'test.mjs'), 'test/e2e/overload.test.ts'];
	return runAttached(process.execPath, args, {
		env: { ...process.env, OVERLOAD_SECONDS: values.seconds, OVERLOAD_BATCH: values.batch },
	});
});
