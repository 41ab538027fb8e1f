import { startService } from '../process/service.mjs';
import { freePort } from '../provision/free-port.mjs';
import { startRedis } from '../provision/redis.mjs';
import { inRoot } from '../root.mjs';
import { step } from '../terminal/steps.mjs';

const READY_TIMEOUT_MS = 60_000;
const DEFAULT_SHUTDOWN_TIMEOUT_MS = 25_000;
// Beyond their own limit, so that nothing is killed that is still finishing by the rules.
const STOP_MARGIN_MS = 5000;
// The dot keeps these from the object store's sweep, which works in the same folder.
const LOGS = inRoot('data', '.logs');
const REDIS_DATA = inRoot('data', '.redis');

/**
 * Starts Redis, a worker and the API, in this order, and waits until they say that they can work.
 *
 * @param {{ keepQueue: boolean }} options Whether jobs and results outlive this process.
 * @returns {Promise<{ url: string, logs: string, died: Promise<never> }>} `died` rejects when one of them ends.
 */
export async function startFacet({ keepQueue }) {
	const redis = await step('Start Redis', async () => {
		const logFile = `${LOGS}/redis.log`;
		const value = await startRedis(keepQueue ? { logFile, dataDir: REDIS_DATA } : { logFile });
		return { value, summary: value.how };
	});
	return step('Start Facet', async () => {
		const api = await place('API_HOST', 'API_PORT', 8080);
		const worker = await place('WORKER_HOST', 'WORKER_PORT', 8081);
		// Both get the same environment: they meet in the store as well as in Redis.
		const env = {
			STORAGE_DIR: inRoot('data'),
			...process.env,
			REDIS_URL: redis.url,
			API_PORT: `${api.port}`,
			WORKER_PORT: `${worker.port}`,
		};
		const services = [start('worker', env), start('api', env)];
		const died = Promise.race([...services.map((service) => service.died), redis.died]);
		// A death before they are ready is told by `waitUntil`.
		died.catch(() => {});
		await Promise.all([
			services[0]?.waitUntil(() => isReady(worker.url), READY_TIMEOUT_MS),
			services[1]?.waitUntil(() => isReady(api.url), READY_TIMEOUT_MS),
		]);
		return { value: { url: api.url, logs: LOGS, died }, summary: api.summary };
	});
}

/**
 * Where a process is to listen: as the environment says, or at another port when that one is taken.
 *
 * @param {string} hostVariable
 * @param {string} portVariable
 * @param {number} defaultPort
 */
async function place(hostVariable, portVariable, defaultPort) {
	const host = process.env[hostVariable] || '127.0.0.1';
	const wanted = Number(process.env[portVariable] || defaultPort);
	const port = await freePort(wanted, host);
	const address = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
	const url = `http://${address.includes(':') ? `[${address}]` : address}:${port}`;
	const taken = wanted !== 0 && port !== wanted;
	return { port, url, summary: taken ? `port ${wanted} is taken: ${port} instead` : `port ${port}` };
}

/** As in the images. */
const NODE_OPTIONS = { api: [], worker: ['--single-threaded-gc'] };

/**
 * @param {'api' | 'worker'} name
 * @param {NodeJS.ProcessEnv} env
 */
function start(name, env) {
	return startService({
		name: `The ${name}`,
		command: process.execPath,
		args: [...NODE_OPTIONS[name], inRoot('apps', name, 'dist', 'main.js')],
		env,
		logFile: `${LOGS}/${name}.log`,
		stopTimeoutMs: Number(env.SHUTDOWN_TIMEOUT_MS || DEFAULT_SHUTDOWN_TIMEOUT_MS) + STOP_MARGIN_MS,
	});
}

/** @param {string} url */
async function isReady(url) {
	const response = await fetch(`${url}/readyz`);
	if (!response.ok) throw new Error(`/readyz answers ${response.status} ${await response.text()}`);
	return true;
}
