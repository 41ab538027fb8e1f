import { Failure } from '../failure.mjs';
import { fetchModels } from '../models/fetch-models.mjs';
import { readManifest, selectModels } from '../models/manifest.mjs';
import { defaultModelsDir } from '../models/models-dir.mjs';
import { nodeProgram } from '../process/node-program.mjs';
import { run } from '../process/run.mjs';
import { step } from '../terminal/steps.mjs';
import { installDependencies } from './dependencies.mjs';
import { provideSystemPrograms } from './system-programs.mjs';

const WANTED_NODE = { major: 20, minor: 19 };

/**
 * Everything between a fresh clone and running code. What is there already is not made again.
 *
 * @param {{ redis: boolean, projects?: readonly string[] }} options `redis`: whether one has to be started;
 *   `projects`: the TypeScript projects to build, the whole repository by default.
 */
export async function prepare({ redis, projects = [] }) {
	checkNode();
	// ONNX Runtime may report usage unless it is told not to, and asks the environment of whatever we start from here.
	process.env.ORT_DISABLE_TELEMETRY ??= '1';
	await step(redis ? 'Redis and ffmpeg' : 'ffmpeg', async (progress) => ({
		value: undefined,
		summary: await provideSystemPrograms({ redis, progress }),
	}));
	await prepareDependencies();
	await step('Build', async () => ({ value: await run(...nodeProgram('tsc', '-b', ...projects)) }));
	await step('Networks', async (progress) => {
		const modelsDir = defaultModelsDir();
		const models = selectModels(await readManifest(modelsDir), ['embedded']);
		const fetched = await fetchModels({ models, modelsDir, progress });
		const licences = [...new Set(models.map((model) => model.licence))].join(', ');
		const state = fetched.length > 0 ? `${fetched.length} fetched` : `${models.length} there`;
		return { value: undefined, summary: `${state} (licence: ${licences})` };
	});
}

/** The npm packages alone. */
export async function prepareDependencies() {
	checkNode();
	await step('npm packages', async (progress) => ({
		value: undefined,
		summary: await installDependencies(progress),
	}));
}

function checkNode() {
	const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
	if (major > WANTED_NODE.major || (major === WANTED_NODE.major && minor >= WANTED_NODE.minor)) return;
	const wanted = `${WANTED_NODE.major}.${WANTED_NODE.minor}`;
	throw new Failure(`Facet needs Node ${wanted} or newer; this is ${process.versions.node}`);
}
