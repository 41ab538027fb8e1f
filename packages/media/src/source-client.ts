import { AppError } from '@facet/contracts';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import type { AddressGuard } from './address-guard.ts';

export interface SourceLimits {
	/** Limit on connecting, name resolution and TLS included. */
	readonly connectTimeoutMs: number;
	/** Longest silence of the server, before its headers or between two chunks. */
	readonly idleTimeoutMs: number;
}

/** The one HTTP client that talks to hosts named by callers; each of its connections has passed the guard. */
export function createSourceClient(guard: AddressGuard, limits: SourceLimits): Dispatcher {
	const connect = buildConnector({ timeout: limits.connectTimeoutMs, lookup: guard.lookup });
	return new Agent({
		headersTimeout: limits.idleTimeoutMs,
		bodyTimeout: limits.idleTimeoutMs,
		// Sources are many and rarely asked twice; idle connections to them are of little use.
		keepAliveTimeout: 1000,
		maxHeaderSize: 16 * 1024,
		connect: (options, callback) => {
			try {
				guard.checkLiteral(options.hostname);
			} catch (error) {
				callback(AppError.from(error), null);
				return;
			}
			connect(options, callback);
		},
	});
}
