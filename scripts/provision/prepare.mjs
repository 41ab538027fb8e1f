import { Failure } from '../failure.mjs';
import { fetchModels } from '../models/fetch-models.mjs';
import { readManifest, selectModels } from '../models/manifest.mjs';
import { defaultModelsDir } from '../models/models-dir.mjs';
import { nodeProgram } from '../process/node-program.mjs';
import { run } from '../process/run.mjs';
import { inRoot } from '../root.mjs';
import { step } from '../terminal/steps.mjs';
import { installDependencies } from './dependencies.mjs';
import { provideSystemPrograms } from './system-programs.mjs';

const NODE_WANTED = /** @type {const} */ ([20, 19]);

/**
 * Everything between a fresh clone and running code. What is there already is not made again.
 *
 * @param {{ projects?: readonly string[] }} [options] TypeScript projects to build; the whole repository by default.
 */
export async function prepare({ projects = [] } = {}) {
	checkNode();
	await step('Redis and ffmpeg', provideSystemPrograms);
	await prepareDependencies();
	await step('Build', async () => {
		await run(...nodeProgram('tsc', '-b', ...projects));
		return undefined;
	});
	await step('Networks', async (progress) => {
		const models = selectModels(await readManifest(inRoot('models', 'MODELS.json')), ['embedded']);
		const fetched = await fetchModels({ models, modelsDir: defaultModelsDir(), progress });
		const licences = [...new Set(models.map((model) => model.licence))].join(', ');
		return `${models.length} ${fetched.length > 0 ? 'fetched' : 'there'} (licence: ${licences})`;
	});
}

/** The npm packages alone. */
export async function prepareDependencies() {
	checkNode();
	await step('npm packages', installDependencies);
}

function checkNode() {
	const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
	const [wantedMajor, wantedMinor] = NODE_WANTED;
	if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
	throw new Failure(
		`Facet needs Node ${wantedMajor}.${wantedMinor} or newer; this is ${process.versions.node}`,
	);
}
