import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Logger } from '@facet/contracts';
import type { Registry } from 'prom-client';

/** What must hold for the process to do its work; each check throws when it does not. */
export type ReadinessChecks = Readonly<Record<string, () => Promise<void> | void>>;

export interface OperationsOptions {
	readonly checks: ReadinessChecks;
	readonly registry: Registry;
	/** Runs before the metrics are read, to set gauges that are read on demand. */
	readonly beforeScrape?: () => Promise<void>;
	readonly logger: Logger;
}

/** A store that hangs makes the process not ready; it does not make the probe hang. */
const CHECK_TIMEOUT_MS = 3000;

/**
 * `/healthz` (the process lives), `/readyz` (it can do its work) and `/metrics` (Prometheus), as a node:http listener.
 *
 * @returns a function that answers the request and says whether the path was one of its own.
 */
export function createOperations(options: OperationsOptions) {
	return async (request: IncomingMessage, response: ServerResponse): Promise<boolean> => {
		const path = request.url?.split('?', 1)[0];
		switch (path) {
			case '/healthz':
				sendJson(response, 200, { status: 'ok' });
				return true;
			case '/readyz': {
				const { ready, checks } = await runChecks(options);
				sendJson(response, ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', checks });
				return true;
			}
			case '/metrics': {
				await options.beforeScrape?.().catch((error: unknown) => {
					options.logger.debug({ err: error }, 'metrics: gauges could not be read');
				});
				const text = await options.registry.metrics();
				response.writeHead(200, { 'content-type': options.registry.contentType }).end(text);
				return true;
			}
			default:
				return false;
		}
	};
}

/** A server of its own for these three, for processes that have none. */
export function createOperationsServer(options: OperationsOptions): Server {
	const operations = createOperations(options);
	return createServer((request, response) => {
		operations(request, response).then(
			(known) => {
				if (!known) sendJson(response, 404, { status: 'not found' });
			},
			(error: unknown) => {
				options.logger.error({ err: error }, 'operations: request failed');
				if (response.headersSent) response.destroy();
				else sendJson(response, 500, { status: 'error' });
			},
		);
	});
}

async function runChecks({ checks, logger }: OperationsOptions) {
	const results = await Promise.all(
		Object.entries(checks).map(async ([name, check]) => {
			try {
				await withTimeout(Promise.resolve().then(check));
				return [name, 'ok'] as const;
			} catch (error) {
				// The reason is for the log: the probe's answer may be public.
				logger.warn({ err: error, check: name }, 'readiness check failed');
				return [name, 'failed'] as const;
			}
		}),
	);
	return { ready: results.every(([, state]) => state === 'ok'), checks: Object.fromEntries(results) };
}

async function withTimeout(check: Promise<void>): Promise<void> {
	let timer: NodeJS.Timeout | undefined;
	const timeout = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`)), CHECK_TIMEOUT_MS);
	});
	try {
		await Promise.race([check, timeout]);
	} finally {
		clearTimeout(timer);
	}
}

function sendJson(response: ServerResponse, status: number, body: object): void {
	response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
	response.end(JSON.stringify(body));
}
