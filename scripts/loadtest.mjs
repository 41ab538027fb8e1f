import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Failure } from './failure.mjs';
import { arrivalTimes } from './loadtest/arrivals.mjs';
import { parseLoadOptions } from './loadtest/options.mjs';
import { printLoad } from './loadtest/print.mjs';
import { runLoad } from './loadtest/run.mjs';
import { Target } from './loadtest/target.mjs';
import { main } from './process/main.mjs';

// Needs Node alone: no build, no packages, so that it runs wherever the load shall come from.
await main(async () => {
	const options = parseLoadOptions(process.argv.slice(2));
	const photo = options.photo === undefined ? undefined : await readPhoto(options.photo);
	const target = new Target({ ...options, photo });
	try {
		const arrivals = arrivalTimes(options);
		console.log(
			`${arrivals.length} requests to ${options.url} in ${options.durationSeconds} s, ${options.mode}, ${options.arrivals}`,
		);
		const load = await runLoad(arrivals, target);
		printLoad(load);
		if (options.json !== undefined) {
			const { photo: _, key: __, ...shown } = options;
			const text = JSON.stringify({ options: shown, ...load.toJSON() }, null, '\t');
			await writeFile(resolve(options.json), `${text}\n`);
		}
		return load.failed > 0 ? 1 : 0;
	} finally {
		target.close();
	}
});

/**
 * @param {string} path
 * @returns {Promise<string>} In base64.
 */
async function readPhoto(path) {
	try {
		return await readFile(path, 'base64');
	} catch (cause) {
		throw new Failure(`Cannot read ${path}`, { cause });
	}
}
