// Writes the generated documentation; with `--check` fails when what is committed is out of date.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { configurationMarkdown, environmentExample } from '../packages/config/dist/index.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const checkOnly = process.argv.includes('--check');

const documents = {
	'docs/configuration.md': configurationMarkdown(),
	'.env.example': environmentExample(),
};

for (const [path, text] of Object.entries(documents)) {
	if (!checkOnly) {
		await writeFile(root + path, text);
	} else if ((await readFile(root + path, 'utf8').catch(() => '')) !== text) {
		console.error(`${path} is out of date: run \`npm run docs\``);
		process.exitCode = 1;
	}
}
