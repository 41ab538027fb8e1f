import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { loadDotEnv } from './dot-env.mjs';
import { Failure } from './failure.mjs';
import { fetchModels } from './models/fetch-models.mjs';
import { readManifest, selectModels } from './models/manifest.mjs';
import { defaultModelsDir } from './models/models-dir.mjs';
import { main } from './process/main.mjs';
import { megabytes } from './terminal/amounts.mjs';
import { step } from './terminal/steps.mjs';

await main(async () => {
	loadDotEnv();
	const { names, modelsDir, from, acceptLicence } = readArguments();
	const models = selectModels(await readManifest(modelsDir), names);
	await step('Networks', async (progress) => {
		const fetched = await fetchModels({ models, modelsDir, progress, acceptLicence, ...(from && { from }) });
		const there = models.length - fetched.length;
		return { value: undefined, summary: `${fetched.length} fetched, ${there} already there, all verified` };
	});
	const nameWidth = Math.max(...models.map((model) => model.name.length));
	for (const { name, bytes, description, licence, file } of models) {
		console.log(`  ${name.padEnd(nameWidth)}  ${megabytes(bytes).padStart(8)}  ${join(modelsDir, file)}`);
		console.log(`  ${' '.repeat(nameWidth)}            ${description}; licence: ${licence}`);
	}
	return 0;
});

function readArguments() {
	try {
		const { values, positionals } = parseArgs({
			allowPositionals: true,
			options: {
				'models-dir': { type: 'string' },
				from: { type: 'string' },
				'accept-license': { type: 'boolean', default: false },
			},
		});
		return {
			names: positionals.length > 0 ? positionals : ['embedded'],
			modelsDir: values['models-dir'] ? resolve(values['models-dir']) : defaultModelsDir(),
			from: values.from ? resolve(values.from) : undefined,
			acceptLicence: values['accept-license'],
		};
	} catch (cause) {
		const usage = 'npm run models -- [NAME…] [--models-dir DIR] [--from FILE] [--accept-license]';
		throw new Failure(`${/** @type {Error} */ (cause).message} Usage: ${usage}`, { cause });
	}
}
