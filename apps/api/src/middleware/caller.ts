import type { Request } from 'express';

/** Whoever sent a request, as far as its key tells. */
export interface Caller {
	/** Owner of its jobs: `open` without a key, `env_…` for a key of `API_KEYS`, `key_…` for a stored one. */
	readonly id: string;
	/** For people. */
	readonly name: string;
	/** Its own limit, which goes before the service's; 0 for none. */
	readonly rateLimitPerMinute?: number | undefined;
	/** Most unfinished jobs; no limit when absent. */
	readonly maxJobsInFlight?: number | undefined;
	/** Secrets that sign its webhooks now (`whsec_…`), newest first; empty when it can have none. */
	readonly webhookSecrets: readonly string[];
}

const callers = new WeakMap<Request, Caller>();

export function setCaller(request: Request, caller: Caller): void {
	callers.set(request, caller);
}

/** The caller of a request, once that is known. */
export function knownCaller(request: Request): Caller | undefined {
	return callers.get(request);
}

/** The caller of a request that has passed the door. */
export function callerOf(request: Request): Caller {
	const caller = knownCaller(request);
	if (caller === undefined) throw new Error('a request that did not pass the authentication');
	return caller;
}
