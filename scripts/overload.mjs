import { parseArgs } from 'node:util';
import { main } from './process/main.mjs';
import { runAttached } from './process/run.mjs';
import { inRoot } from './root.mjs';

/**
 * Ten times the capacity: `npm run test:overload -- [--minutes 10] [--batch 10000] [--refusal-ms 250] [--answer-ms 5000]`.
 * The last two are the 99th percentiles that refusals and synchronous answers may take, on a machine with nothing else to do.
 */
await main(async () => {
	const { values } = parseArgs({
		options: {
			minutes: { type: 'string', default: '10' },
			batch: { type: 'string', default: '10000' },
			'refusal-ms': { type: 'string', default: '250' },
			'answer-ms': { type: 'string', default: '5000' },
		},
	});
	const args = [inRoot('scripts', 'test.mjs'), 'test/e2e/overload.test.ts'];
	return runAttached(process.execPath, args, {
		env: {
			...process.env,
			OVERLOAD_SECONDS: String(Math.round(Number(values.minutes) * 60)),
			OVERLOAD_BATCH: values.batch,
			OVERLOAD_REFUSAL_MS: values['refusal-ms'],
			OVERLOAD_ANSWER_MS: values['answer-ms'],
		},
	});
});
