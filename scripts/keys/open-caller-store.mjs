import { existsSync } from 'node:fs';
import { loadDotEnv } from '../dot-env.mjs';
import { Failure } from '../failure.mjs';
import { atShutdown } from '../process/shutdown.mjs';
import { inRoot } from '../root.mjs';

/**
 * The stored keys of the service whose `REDIS_URL` and `QUEUE_PREFIX` are set, in the environment or in `.env`. The
 * connection is closed when the script ends.
 */
export async function openCallerStore() {
	for (const name of ['config', 'queue']) {
		if (existsSync(inRoot('packages', name, 'dist', 'index.js'))) continue;
		throw new Failure(`packages/${name} is not built: run \`npm run build\` first`);
	}
	const { parseConfig } = await import('../../packages/config/dist/index.js');
	const { CallerStore, connectProducer } = await import('../../packages/queue/dist/index.js');

	loadDotEnv();
	// Only these two: what else is wrong with the environment is for the service to say.
	const { REDIS_URL, QUEUE_PREFIX } = process.env;
	const { redis: address } = readConfig(() => parseConfig({ REDIS_URL, QUEUE_PREFIX }));
	const redis = connectProducer(address.url, { debug() {}, info() {}, warn() {}, error() {} });
	atShutdown(async () => redis.disconnect());
	await new Promise((resolve, reject) => {
		redis.once('ready', resolve);
		redis.once('error', (/** @type {Error} */ cause) => {
			// The URL may hold a password.
			const { host } = new URL(address.url);
			reject(
				new Failure(`Redis at ${host} is not to be reached: ${cause.message || 'no connection'}`, { cause }),
			);
		});
	});
	return new CallerStore(redis, { prefix: address.prefix });
}

/**
 * @template T
 * @param {() => T} read
 */
function readConfig(read) {
	try {
		return read();
	} catch (cause) {
		throw new Failure(cause instanceof Error ? cause.message : String(cause), { cause });
	}
}
