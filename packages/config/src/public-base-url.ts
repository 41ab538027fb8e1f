import type { Config } from './config.ts';

/**
 * Base of the links that the service hands out, without a slash at its end: `PUBLIC_BASE_URL`, or where the API listens.
 *
 * @param port - the API's; for a port that the system chooses, only the API itself knows it.
 */
export function publicBaseUrl({ host, publicBaseUrl: given }: Config['api'], port: number): string {
	return given ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
