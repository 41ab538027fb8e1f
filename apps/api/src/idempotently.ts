import { setTimeout as delay } from 'node:timers/promises';
import { AppError, type Logger } from '@facet/contracts';
import { IDEMPOTENCY_RENEWAL_MS, type IdempotencyKey, type IdempotencyStore } from '@facet/queue';

/** 1 to 64 printable characters of ASCII. */
const KEY = /^[\x20-\x7e]{1,64}$/;
/** How often to look whether an identical request is done, and for how long. */
const LOOK_AGAIN_MS = 50;
const PATIENCE_MS = 30_000;

/**
 * Reads `Idempotency-Key`.
 *
 * @returns undefined without the header.
 * @throws AppError `invalid_request`.
 */
export function parseIdempotencyKey(header: string | undefined): string | undefined {
	if (header === undefined || KEY.test(header)) return header;
	throw new AppError('invalid_request', {
		detail: `Idempotency-Key: expected 1 to 64 printable characters, received ${header.length} characters`,
	});
}

export interface IdempotentRequest extends IdempotencyKey {
	/** Tells the request from others, also from those of another kind. */
	readonly digest: string;
	/** Id of what it makes if it is the first. */
	readonly newId: string;
	readonly logger: Logger;
}

export interface Making {
	/** Makes the thing under an id. @returns the id of what stands for it in the end. */
	readonly create: (id: string) => Promise<string>;
	/** Whether there is something under the id of a request that died. */
	readonly exists: (id: string) => Promise<boolean>;
}

export interface Made {
	readonly id: string;
	/** Whether an earlier request made it. */
	readonly isReplay: boolean;
}

/**
 * Makes something once for all requests with one idempotency key: the first one makes it, those at the same time wait for
 * it, later ones get its id. When the first one dies midway, the next goes on under the same id.
 *
 * @throws AppError `idempotency_mismatch` when the key belongs to another request, `conflict` when an identical one is
 * not done within half a minute; whatever `create` throws.
 */
export async function idempotently(
	store: IdempotencyStore,
	request: IdempotentRequest,
	making: Making,
): Promise<Made> {
	const giveUpAt = Date.now() + PATIENCE_MS;
	for (;;) {
		const claim = await store.claim(request, request.digest, request.newId);
		switch (claim.kind) {
			case 'mine':
				return make(store, request, making, claim.id);
			case 'done':
				return { id: claim.id, isReplay: true };
			case 'mismatch':
				throw new AppError('idempotency_mismatch', {
					detail: 'Idempotency-Key: expected the request that it was used with before, received another',
				});
			case 'busy':
				if (Date.now() > giveUpAt) {
					throw new AppError('conflict', {
						detail: 'an identical request is still under way',
						retryable: true,
					});
				}
				await delay(LOOK_AGAIN_MS);
		}
	}
}

async function make(
	store: IdempotencyStore,
	request: IdempotentRequest,
	{ create, exists }: Making,
	id: string,
): Promise<Made> {
	const { logger } = request;
	const renewal = setInterval(() => {
		store.renew(request).catch((err: unknown) => logger.debug({ err }, 'idempotency key not renewed'));
	}, IDEMPOTENCY_RENEWAL_MS);
	try {
		const isReplay = id !== request.newId && (await exists(id));
		const madeId = isReplay ? id : await create(id);
		// It is made; when this is lost, the next such request finds out by itself.
		await store
			.complete(request, madeId)
			.catch((err: unknown) => logger.warn({ err }, 'idempotency key not completed'));
		return { id: madeId, isReplay };
	} catch (error) {
		// Redis may have done what it could not confirm.
		const isUnknown = AppError.from(error).code === 'queue_unavailable' || !(error instanceof AppError);
		await store.abandon(request, isUnknown ? 'keep' : 'forget').catch(() => {});
		throw error;
	} finally {
		clearInterval(renewal);
	}
}
