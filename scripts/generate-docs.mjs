// Writes what is generated: documentation, the types of the client, the compiled loops of resampling; with `--check` fails
// when what is committed is out of date.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { configurationMarkdown, environmentExample } from '../packages/config/dist/index.js';
import { clientTypes } from './docs/client-types.mjs';
import { licencesMarkdown } from './docs/licences.mjs';
import { resampleKernel } from './docs/resample-kernel.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const checkOnly = process.argv.includes('--check');

const documents = {
	'docs/configuration.md': configurationMarkdown(),
	'docs/licences.md': await licencesMarkdown(),
	'.env.example': environmentExample(),
	'packages/client/src/schema.ts': await clientTypes(),
	'packages/vision/src/resample-kernel.ts': await resampleKernel(),
};

for (const [path, text] of Object.entries(documents)) {
	if (!checkOnly) {
		await writeFile(root + path, text);
	} else if ((await readFile(root + path, 'utf8').catch(() => '')) !== text) {
		console.error(`${path} is out of date: run \`npm run docs\``);
		process.exitCode = 1;
	}
}
