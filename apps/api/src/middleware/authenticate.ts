import { createHash, timingSafeEqual } from 'node:crypto';
import { AppError, OPEN_CALLER } from '@facet/contracts';
import { type CallerRecord, type CallerStore, currentSecrets } from '@facet/queue';
import type { Request, RequestHandler } from 'express';
import { clientNetwork } from '../client-network.ts';
import { WrongKeys } from '../wrong-keys.ts';
import { type Caller, setCaller } from './caller.ts';
import { contextOf } from './request-context.ts';

export interface AuthenticateOptions {
	/** Keys of the environment. */
	readonly apiKeys: readonly string[];
	/** Refuse callers without a key even when there are no keys in the environment. */
	readonly requireKey: boolean;
	readonly callers: CallerStore;
	/** What signs the webhooks of callers that have no stored key. */
	readonly webhookSecrets: readonly string[];
	/** How many keys a client may get wrong in a minute; 0 for any number. */
	readonly wrongKeysPerMinute: number;
}

/**
 * Finds out who calls, and refuses those who may not.
 *
 * The key is read from `Authorization: Bearer`; only when that header is absent, from `x-api-key`. Keys of the
 * environment are known without Redis; while it is away, stored ones cannot be told from wrong ones, which is a 503.
 *
 * A client that gets too many keys wrong is answered 429 without a look at the next one.
 */
export function authenticate(options: AuthenticateOptions): RequestHandler {
	const { apiKeys, requireKey, callers, webhookSecrets, wrongKeysPerMinute } = options;
	const configured = apiKeys.map((key) => configuredCaller(key, webhookSecrets));
	const isOpen = apiKeys.length === 0 && !requireKey;
	const open: Caller = { id: OPEN_CALLER, name: OPEN_CALLER, webhookSecrets };
	const wrongKeys =
		isOpen || wrongKeysPerMinute === 0 ? undefined : new WrongKeys({ perMinute: wrongKeysPerMinute });
	return async (request, _response, next) => {
		const key = presentedKey(request);
		const caller = key === '' ? undefined : await find(request, key);
		if (caller === undefined && !isOpen) throw new AppError('unauthorized');
		setCaller(request, caller ?? open);
		next();
	};

	async function find(request: Request, key: string): Promise<Caller | undefined> {
		const presented = digest(key);
		const look = async () =>
			findConfigured(configured, presented) ?? toCaller(await callers.authenticate(key));
		return wrongKeys === undefined ? look() : findWithinTries(look, wrongKeys, request, presented);
	}
}

/** @throws AppError `rate_limited`; what `find` throws, which is no try. */
async function findWithinTries(
	find: () => Promise<Caller | undefined>,
	wrongKeys: WrongKeys,
	request: Request,
	presented: Buffer,
): Promise<Caller | undefined> {
	const client = clientNetwork(request.ip);
	const keyTry = await wrongKeys.take(client, presented.toString('base64'));
	if (typeof keyTry === 'number') {
		throw new AppError('rate_limited', {
			detail: 'too many wrong API keys came from this address',
			retryAfterSeconds: keyTry,
		});
	}
	const caller = await find().catch((error: unknown) => {
		keyTry.giveBack();
		throw error;
	});
	if (caller !== undefined) keyTry.right();
	else if (keyTry.wrong()) {
		contextOf(request).logger.warn({ client }, 'api: too many wrong keys, refused for a while');
	}
	return caller;
}

interface ConfiguredCaller {
	readonly digest: Buffer;
	readonly caller: Caller;
}

function configuredCaller(key: string, webhookSecrets: readonly string[]): ConfiguredCaller {
	const keyDigest = digest(key);
	// Enough to tell the keys of one environment apart, and no help in guessing them.
	const id = `env_${keyDigest.toString('hex').slice(0, 12)}`;
	return { digest: keyDigest, caller: { id, name: id, webhookSecrets } };
}

function findConfigured(configured: readonly ConfiguredCaller[], presented: Buffer): Caller | undefined {
	// Digests have one length, and every one is compared, so that timing tells nothing of a key.
	return configured.filter((known) => timingSafeEqual(known.digest, presented))[0]?.caller;
}

function toCaller(record: CallerRecord | undefined): Caller | undefined {
	if (record === undefined) return undefined;
	const { id, name, rateLimitPerMinute, maxJobsInFlight } = record;
	return { id, name, rateLimitPerMinute, maxJobsInFlight, webhookSecrets: currentSecrets(record) };
}

function presentedKey(request: Request): string {
	// Of two, a proxy in front of us may have looked at the other one.
	if ((request.headersDistinct.authorization?.length ?? 0) > 1) return '';
	const authorization = request.get('authorization');
	if (authorization === undefined) return request.get('x-api-key') ?? '';
	return /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? '';
}

function digest(key: string): Buffer {
	return createHash('sha256').update(key).digest();
}
