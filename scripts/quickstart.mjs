import { parseArgs } from 'node:util';
import { loadDotEnv } from './dot-env.mjs';
import { Failure } from './failure.mjs';
import { main } from './process/main.mjs';
import { atShutdown } from './process/shutdown.mjs';
import { prepare } from './provision/prepare.mjs';
import { startFacet } from './quickstart/facet.mjs';
import { curlLine, detectSample } from './quickstart/sample.mjs';
import { secondsSince } from './terminal/amounts.mjs';
import { bold, cyan, dim } from './terminal/colour.mjs';
import { prettyJson } from './terminal/pretty-json.mjs';

await main(async () => {
	const started = performance.now();
	const { once } = readArguments();
	loadDotEnv();
	console.log(bold('Facet: faces in photos, from your own machine'));

	await prepare({ redis: !process.env.REDIS_URL, projects: ['apps/api', 'apps/worker'] });
	const { url, logs, died } = await startFacet({ keepQueue: !once });
	const answer = await detectSample(url);
	console.log(`\n${prettyJson(answer)}\n`);
	console.log(`Ready after ${secondsSince(started)} at ${bold(url)}  ${dim(`(logs: ${logs})`)}`);
	console.log(`Try next${once ? ', while it runs without --once' : ''}:\n\n${cyan(curlLine(url))}\n`);
	if (once) return 0;
	console.log('Ctrl-C stops everything.');
	atShutdown(async () => console.log('\nStopping the API, the worker and Redis…'));
	return died;
});

function readArguments() {
	try {
		return parseArgs({ options: { once: { type: 'boolean', default: false } } }).values;
	} catch (cause) {
		throw new Failure(`${/** @type {Error} */ (cause).message}. Usage: npm run quickstart -- [--once]`, {
			cause,
		});
	}
}
