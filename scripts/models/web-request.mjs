import { createRequire } from 'node:module';
import { Failure } from '../failure.mjs';
import { inRoot } from '../root.mjs';

/** @typedef {Pick<Response, 'ok' | 'status' | 'headers' | 'body' | 'arrayBuffer'>} WebResponse */

const PROXY_VARIABLES = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'];

/**
 * GETs an address, by way of the proxy that `HTTPS_PROXY` or `HTTP_PROXY` names, if any, and unless `NO_PROXY` says
 * otherwise. Redirects are followed.
 *
 * @param {string} url
 * @param {Record<string, string>} [headers]
 * @returns {Promise<WebResponse>}
 */
export async function webRequest(url, headers = {}) {
	if (!PROXY_VARIABLES.some((name) => process.env[name])) return fetch(url, { headers });
	const { fetch: proxiedFetch, EnvHttpProxyAgent } = loadUndici();
	// The agent reads the variables itself; one a process is enough.
	agent ??= new EnvHttpProxyAgent();
	return /** @type {Promise<WebResponse>} */ (proxiedFetch(url, { headers, dispatcher: agent }));
}

/** @type {import('undici').Dispatcher | undefined} */
let agent;

/**
 * Node's own `fetch` of version 20 knows no proxies. The embedded pack comes through npm, which does, so that a proxy
 * is met only when there is something installed.
 *
 * @returns {typeof import('undici')}
 */
function loadUndici() {
	try {
		return createRequire(inRoot('packages', 'media', 'package.json'))('undici');
	} catch (cause) {
		throw new Failure('Downloading through a proxy needs the npm packages: run `npm install` first', {
			cause,
		});
	}
}

/**
 * What a failed request died of, in one line.
 *
 * @param {unknown} error
 */
export function reasonOf(error) {
	const { message, cause } = /** @type {Error} */ (error);
	return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
